// A database to try queries on: a shop's customers, orders and items, made up, and the same every
// time.
//
//   customers(id, name, city, country, since)                         rows / 50
//   orders(id, customer_id, ordered, status)   index on customer_id   about rows / 4
//   items(order_id, product, quantity, cents)  index on order_id      the rest, 1 to 5 an order
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <system_error>

#include "context/context.h"

namespace hangup::query {

// Makes the file, with about so many rows (at least 100), unless it is there. It grows under
// another name (FILE.making) and is renamed when it is whole: whoever is killed in the middle
// leaves no half of it, and of several at once one makes it and the others wait. `progress` is
// called with percents from 0 to 100, growing; never if the file is there.
//
// ctx.err() if the context ends first; else the system's error, or errc::failed, with `why`.
std::error_code make_sample(const context& ctx, const std::string& file, std::uint64_t rows,
                            const std::function<void(unsigned)>& progress, std::string& why);

}  // namespace hangup::query
