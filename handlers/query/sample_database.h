// A database to try queries on: the customers, orders and items of an invented shop. Its contents
// are the same every time.
//
//   customers(id, name, city, country, since)                         rows / 50
//   orders(id, customer_id, ordered, status)   index on customer_id   about rows / 4
//   items(order_id, product, quantity, cents)  index on order_id      the rest, 1 to 5 per order
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <system_error>

#include "hangup/context/context.h"

namespace hangup::query {

// Makes the file, with about this number of rows (at least 100), unless it exists. It is written
// under another name (FILE.making) and renamed when it is complete, so an interrupted process
// leaves no partial file. If several processes do this at once, one makes the file and the others
// wait. `progress` is called with increasing percentages from 0 to 100, but not if the file exists.
//
// Returns ctx.err() if the context ends first; otherwise the system's error, or errc::failed, with
// `why`.
std::error_code make_sample(const context& ctx, const std::string& file, std::uint64_t rows,
                            const std::function<void(unsigned)>& progress, std::string& why);

}  // namespace hangup::query
