// The settings of databases, with their reports.
#include <utility>

#include "server/config_keys.h"
#include "server/database_config.h"

namespace hangup::server {
namespace {

using nlohmann::ordered_json;

// Beyond it not every whole number is a double.
constexpr std::int64_t most_exact = (std::int64_t{1} << 53U) - 1;

struct stated_report {
  std::string description;
  std::string sql;
  std::vector<stated_parameter> parameters;
};

query::parameter parameter_of(const stated_parameter& stated) {
  query::parameter p{stated.name, allowed_by(stated)};
  if (!stated.required) {
    p.otherwise = query::read_value(p.allowed, stated.otherwise);
  }
  return p;
}

std::map<std::string, query::report> reports_of(
    const std::map<std::string, stated_report>& stated) {
  std::map<std::string, query::report> reports;
  for (const auto& [name, from] : stated) {
    query::report r{name, from.description, from.sql};
    for (const auto& p : from.parameters) {
      r.parameters.push_back(parameter_of(p));
    }
    reports.emplace(name, std::move(r));
  }
  return reports;
}

form<stated_report> one_report() {
  using t = stated_report;
  return object<t>({
      {"description", &t::description, text(0, 1000), "", "A description, for GET /query."},
      {"sql", &t::sql, text(1, 16384), required,
       "One SQL statement that reads; $1 is the first parameter, $2 the second."},
      {"parameters", &t::parameters, array_of(32, "One parameter.", parameter_keys()),
       ordered_json::array(), "The parameters of a request, in the order of $1, $2 ..."},
  });
}

form<config::database_t> one_database() {
  using t = config::database_t;
  return object<t>({
      {"kind", &t::kind, one_of({"sqlite", "postgres"}), required, "The engine."},
      {"pool", &t::pool, text(1, 32), "query", "SQLite: name of the pool that runs its queries."},
      {"max_in_flight", &t::max_in_flight, integer(0, 10'000'000), 1'000,
       "PostgreSQL: number of requests that may be in flight, as its queries hold no thread while "
       "they wait, and need no pool; further ones are refused with 503. 0: no limit."},
      {"deadline_ms", &t::deadline, integer(0, day_ms), 30'000,
       "Time in milliseconds, including the wait for a worker, after which a query ends with 504; "
       "0: none."},
      {"connections", &t::connections, integer(1, 1000), 8,
       "Maximum number of connections, and so of queries that run at the same time; jobs use at "
       "most half of them."},
      {"spare_percent", &t::spare_percent, integer(0, 100), 25,
       "Additional connections, in percent (rounded up), which only clients get that have none. So "
       "one client cannot keep the others out. 0: none."},
      {"wait_ms", &t::wait, integer(0, hour_ms), 2000,
       "Time in milliseconds that a query waits for a free connection, and again for a lock that "
       "another process holds; then it is refused with 503."},
      {"file", &t::file, text(0, 4000), "",
       "SQLite: the database file, relative to the directory in which the server was started; it "
       "is only read. A sample with a relative path that does not exist and cannot be made there "
       "is in $XDG_DATA_HOME/hangup instead (without that variable in ~/.local/share/hangup), or "
       "else in the current directory."},
      {"sample", &t::sample, boolean(), false,
       "SQLite: whether to make a sample database of customers, orders and items at the start if "
       "the file does not exist."},
      {"sample_rows", &t::sample_rows, integer(100, 100'000'000), 1'000'000,
       "SQLite: approximate number of rows in the sample database."},
      {"conninfo", &t::conninfo, secret(text(0, 4000)), "",
       "PostgreSQL: a connection string of libpq (keywords and values, or a URI). It is never "
       "shown, but it is better to keep a password in the file that its passfile names."},
      {"connect_timeout_ms", &t::connect_timeout, integer(1, hour_ms), 3000,
       "PostgreSQL: time in milliseconds to make a new connection; then the query is refused with "
       "503."},
      {"settle_timeout_ms", &t::settle_timeout, integer(1, hour_ms), 5000,
       "PostgreSQL: time in milliseconds that the server has to end a statement whose client has "
       "left; then the connection is closed instead of kept."},
      {"read_only", &t::read_only, boolean(), true,
       "PostgreSQL: whether reports run in read-only transactions."},
      {"reports", &t::reports,
       made_of(map_of(chosen_name(64), "One report.", one_report()), reports_of),
       "The queries that clients may run, by name."},
  });
}

}  // namespace

form<stated_parameter> parameter_keys() {
  using t = stated_parameter;
  return object<t>({
      {"name", &t::name, text(1, 32, R"(^[a-z][a-z0-9_]{0,31}$)"), required,
       "Its name in the request."},
      {"type", &t::type, one_of({"integer", "real", "text"}), required, "The type of its value."},
      {"minimum", &t::minimum, number(-most_exact, most_exact), 0,
       "The smallest number that is allowed; not for texts."},
      {"maximum", &t::maximum, number(-most_exact, most_exact), most_exact,
       "The largest number that is allowed; not for texts."},
      {"max_bytes", &t::max_bytes, integer(1, 64 * kib), 256,
       "The maximum length of a text in bytes."},
      {"required", &t::required, boolean(), false,
       "Whether a request must give it; then it has no default."},
      {"default", &t::otherwise, text(0, 4096), "",
       "The value if a request does not give it, written as in a request."},
  });
}

form<std::map<std::string, config::database_t>> databases_keys() {
  return map_of(chosen_name(32), "One database.", one_database());
}

ordered_json default_databases() {
  return ordered_json::parse(R"json({
  "sqlite": {
    "kind": "sqlite",
    "pool": "query",
    "max_in_flight": 1000,
    "deadline_ms": 30000,
    "connections": 8,
    "spare_percent": 25,
    "wait_ms": 2000,
    "file": "build/sample.db",
    "sample": true,
    "sample_rows": 1000000,
    "conninfo": "",
    "connect_timeout_ms": 3000,
    "settle_timeout_ms": 5000,
    "read_only": true,
    "reports": {
      "customer": {
        "description": "One customer, by number: a look-up in an index.",
        "sql": "SELECT id, name, city, country, since FROM customers WHERE id = $1",
        "parameters": [{"name": "id", "type": "integer", "minimum": 1, "maximum": 1000000000, "required": true}]
      },
      "top_customers": {
        "description": "Who bought for the most money: two joins over everything.",
        "sql": "SELECT c.id, c.name, c.country, count(*) AS items, sum(i.quantity * i.cents) / 100.0 AS revenue FROM customers c JOIN orders o ON o.customer_id = c.id JOIN items i ON i.order_id = o.id GROUP BY c.id ORDER BY revenue DESC, c.id LIMIT $1",
        "parameters": [{"name": "n", "type": "integer", "minimum": 1, "maximum": 1000, "default": "10"}]
      },
      "revenue_by_month": {
        "description": "Items and revenue of each month of a year.",
        "sql": "SELECT substr(o.ordered, 1, 7) AS month, count(*) AS items, sum(i.quantity * i.cents) / 100.0 AS revenue FROM orders o JOIN items i ON i.order_id = o.id WHERE substr(o.ordered, 1, 4) = CAST($1 AS TEXT) GROUP BY month ORDER BY month",
        "parameters": [{"name": "year", "type": "integer", "minimum": 2016, "maximum": 2025, "default": "2024"}]
      },
      "revenue_by_country": {
        "description": "Items and revenue of each country, of the orders whose number leaves part when divided by parts: of all, or a share for each part of /fanout.",
        "sql": "SELECT c.country, count(*) AS items, sum(i.quantity * i.cents) / 100.0 AS revenue FROM customers c JOIN orders o ON o.customer_id = c.id JOIN items i ON i.order_id = o.id WHERE i.order_id % $2 = $1 GROUP BY c.country ORDER BY c.country",
        "parameters": [{"name": "part", "type": "integer", "minimum": 0, "maximum": 1023, "default": "0"}, {"name": "parts", "type": "integer", "minimum": 1, "maximum": 1024, "default": "1"}]
      },
      "orders": {
        "description": "Orders by number: many rows, as fast as they are read.",
        "sql": "SELECT o.id, c.name AS customer, o.ordered, o.status FROM orders o JOIN customers c ON c.id = o.customer_id ORDER BY o.id LIMIT $1",
        "parameters": [{"name": "n", "type": "integer", "minimum": 0, "maximum": 1000000000, "default": "1000000000"}]
      },
      "scan": {
        "description": "Sales of the products that have a text in their name: reads every item, as no index helps.",
        "sql": "SELECT product, count(*) AS items, sum(quantity * cents) / 100.0 AS revenue FROM items WHERE instr(lower(product), lower($1)) > 0 GROUP BY product ORDER BY product",
        "parameters": [{"name": "text", "type": "text", "max_bytes": 64, "default": "a"}]
      },
      "sort": {
        "description": "All items, the dearest first: a sort that does not fit into memory, then many rows.",
        "sql": "SELECT order_id, product, quantity, cents, quantity * cents / 100.0 AS price FROM items ORDER BY price DESC, order_id, product"
      },
      "cross": {
        "description": "Hopeless: every customer with every other and every third.",
        "sql": "SELECT count(*) AS triples FROM customers a, customers b, customers c WHERE a.city < b.city AND b.name < c.name"
      },
      "crunch": {
        "description": "A recursive query that counts to n and makes a number of each step; hopeless from about 10^9.",
        "sql": "WITH RECURSIVE step(i, x) AS (SELECT 1, 42 UNION ALL SELECT i + 1, (x * 1103515245 + 12345) % 2147483648 FROM step WHERE i < $1) SELECT count(*) AS steps, max(x) AS greatest, sum(x % 2) AS odd FROM step",
        "parameters": [{"name": "n", "type": "integer", "minimum": 1, "maximum": 1000000000000, "default": "1000000"}]
      }
    }
  }
})json");
}

}  // namespace hangup::server
