// What each route of the program answers, in words: for a list of the routes and for
// docs/routes.md, which is made of this (scripts/reference). A test asks every parameter for
// what is not allowed, and compares the answer with what stands here.
#pragma once

#include <string_view>
#include <vector>

namespace hangup::server {

struct parameter_description {
  std::string_view name;
  std::string_view allowed;    // as the 400 says it: "a whole number 0..600000"
  std::string_view otherwise;  // what holds without it; empty: it must be given
  std::string_view meaning;
};

struct route_description {
  std::string_view method;
  std::string_view path;  // "/query/{database}": one route for each database
  std::string_view
      example;              // a target that the shipped configuration answers; empty: there is none
  std::string_view set_by;  // the key of the deadline: "routes.search.deadline_ms"; empty: none
  std::string_view needs;   // what must be configured for it to be there; empty: nothing
  std::string_view answer;
  std::string_view stops;  // how the work stops when its client has left
  std::vector<parameter_description> parameters{};
};

// In the order in which a reader is to see them.
const std::vector<route_description>& route_descriptions();

}  // namespace hangup::server
