#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "tests/docs/reference.h"

namespace hangup::docs {
namespace {

std::string_view type(prometheus::MetricType of) {
  switch (of) {
    case prometheus::MetricType::Counter:
      return "counter";
    case prometheus::MetricType::Gauge:
      return "gauge";
    case prometheus::MetricType::Histogram:
      return "histogram";
    default:
      throw std::runtime_error("a metric of a type that has no name here");
  }
}

// What the values of a label are, where they are names of what is configured.
std::string_view meaning(const std::string& label) {
  return label == "route"      ? "the path of a route, or `none`"
         : label == "pool"     ? "the name of a pool"
         : label == "database" ? "the name of a database"
         : label == "upstream" ? "the name of an upstream"
                               : "";
}

std::string labels(const prometheus::MetricFamily& of) {
  std::vector<std::string> names;
  for (const auto& label : of.metric.front().label) {
    names.push_back(label.name);
  }
  std::string out;
  for (const auto& name : names) {
    out += (out.empty() ? "" : "; ") + code(name) + ": ";
    if (!meaning(name).empty()) {
      out += meaning(name);
      continue;
    }
    std::vector<std::string> values;  // in the order of the page
    for (const auto& one : of.metric) {
      for (const auto& label : one.label) {
        if (label.name == name &&
            std::find(values.begin(), values.end(), label.value) == values.end()) {
          values.push_back(label.value);
        }
      }
    }
    for (const auto& value : values) {
      out += (&value == &values.front() ? "" : ", ") + code(value);
    }
  }
  if (of.type == prometheus::MetricType::Histogram) {
    std::ostringstream bounds;
    for (const auto& bucket : of.metric.front().histogram.bucket) {
      if (!std::isinf(bucket.upper_bound)) {
        bounds << (bounds.tellp() > 0 ? ", " : "") << bucket.upper_bound;
      }
    }
    out += std::string(out.empty() ? "" : "; ") + code("le") + ": " + bounds.str();
  }
  return out;
}

}  // namespace

std::string metrics(whole_program& of) {
  std::string page = "| name | type | labels | meaning |\n| --- | --- | --- | --- |\n";
  for (const auto& family : (*of).counts().Collect()) {
    if (family.help.empty() || family.metric.empty()) {
      throw std::runtime_error(family.name + " has no help text, or no number");
    }
    page += "| " + code(family.name) + " | " + std::string(type(family.type)) + " | " +
            labels(family) + " | " + cell(family.help) + " |\n";
  }
  return page;
}

}  // namespace hangup::docs
