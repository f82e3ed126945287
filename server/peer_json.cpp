#include "server/peer_json.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace hangup::server {
namespace {

using ordered = nlohmann::ordered_json;

constexpr std::size_t most_peer_levels = 16;
// A page in a browser can show any number up to this one. Sums of such counts cannot overflow.
constexpr std::uint64_t most_peer_count = std::uint64_t{1} << 53U;

enum class peer_type : std::uint8_t { text, truth, number, count, object, list };

constexpr const char* is_not(peer_type t) {
  switch (t) {
    case peer_type::text:
      return " is no text";
    case peer_type::truth:
      return " is neither true nor false";
    case peer_type::number:
      return " is no number";
    case peer_type::count:
      return " is no whole number up to 2^53";
    case peer_type::object:
      return " is no object";
    case peer_type::list:
      break;
  }
  return " is no list of objects";
}

// A member that is known. It may be null unless it is needed.
struct peer_member {
  struct set {
    constexpr set() = default;
    template <std::size_t N>
    constexpr set(const peer_member (&all)[N])  // NOLINT: as the members are listed
        : first(all), last(all + N) {}
    const peer_member* first = nullptr;
    const peer_member* last = nullptr;
  };

  std::string_view name;
  peer_type is;
  bool needed = false;
  set inside{};  // of an object, or of each object of a list
};

// What the pages have.
struct peer_members {
  using enum peer_type;

  static constexpr peer_member asker[] = {{"request", text}, {"client", text}};

  static constexpr peer_member request_in_flight[] = {
      {"number", count, true}, {"id", text},    {"route", text},         {"method", text},
      {"target", text},        {"state", text}, {"age_ms", number},      {"client", text},
      {"pool", text},          {"cause", text}, {"canceled_ms", number}, {"late", truth}};

  static constexpr peer_member request_ended[] = {{"number", count, true},
                                                  {"id", text},
                                                  {"route", text},
                                                  {"method", text},
                                                  {"target", text},
                                                  {"client", text},
                                                  {"end", text},
                                                  {"cause", text},
                                                  {"by", object, false, asker},
                                                  {"status", number},
                                                  {"started_ns", number},
                                                  {"context_ended_ns", number},
                                                  {"work_stopped_ns", number},
                                                  {"ended_ns", number}};

  static constexpr peer_member page_in_flight[] = {
      {"server", text}, {"total", count, true}, {"in_flight", list, true, request_in_flight}};
  static constexpr peer_member page_ended[] = {
      {"server", text}, {"lost", count, true}, {"ended", list, true, request_ended}};
  static constexpr peer_member page_end_many[] = {{"stopping", count, true}};
  static constexpr peer_member page_end_one[] = {{"number", count, true}, {"state", text}};
  static constexpr peer_member page_problem[] = {{"detail", text}};
};

constexpr peer_member whole(peer_page of) {
  switch (of) {
    case peer_page::in_flight:
      return {"it", peer_type::object, true, peer_members::page_in_flight};
    case peer_page::ended:
      return {"it", peer_type::object, true, peer_members::page_ended};
    case peer_page::end_many:
      return {"it", peer_type::object, true, peer_members::page_end_many};
    case peer_page::end_one:
      return {"it", peer_type::object, true, peer_members::page_end_one};
    case peer_page::why_not:
      break;
  }
  return {"it", peer_type::object, true, peer_members::page_problem};
}

// nlohmann's parser does not recurse, and keeps nothing of what this does not keep.
class peer_reader final : public nlohmann::json_sax<ordered> {
 public:
  explicit peer_reader(peer_page of) : whole_(whole(of)), next_(&whole_) {}

  bool null() override {
    return next_ == nullptr || (is_in_list() || next_->needed ? refuse() : keep(nullptr));
  }
  bool boolean(bool value) override { return add(peer_type::truth, value); }
  bool number_integer(number_integer_t value) override { return add(peer_type::number, value); }
  bool number_unsigned(number_unsigned_t value) override {
    return next_ != nullptr && next_->is == peer_type::count && value <= most_peer_count
               ? add(peer_type::count, value)
               : add(peer_type::number, value);
  }
  bool number_float(number_float_t value, const string_t&) override {
    return add(peer_type::number, value);
  }
  bool string(string_t& value) override { return add(peer_type::text, std::move(value)); }
  bool binary(binary_t&) override { return false; }  // not in JSON

  bool key(string_t& name) override {
    next_ = nullptr;
    if (const auto* const in = open_.back().of) {
      const auto* const found = std::find_if(in->inside.first, in->inside.last,
                                             [&](const auto& m) { return m.name == name; });
      next_ = found != in->inside.last ? found : nullptr;
      if (next_ != nullptr && open_.back().made->contains(name)) {
        return stop(path() + " is given twice");
      }
    }
    return true;
  }

  bool start_object(std::size_t) override { return open(peer_type::object); }
  bool start_array(std::size_t) override { return open(peer_type::list); }

  bool end_object() override {
    if (const auto& [of, made] = open_.back(); of != nullptr) {
      for (const auto* m = of->inside.first; m != of->inside.last; ++m) {
        if (m->needed && !made->contains(m->name)) {
          next_ = m;
          return stop(path() + " is missing");
        }
      }
    }
    return close();
  }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return stop("it is not JSON");
  }

  peer_json read;

 private:
  struct level {
    const peer_member* of;  // null: nobody has asked for what is in it
    ordered* made;
  };

  // Is the next value an entry of a list that is kept?
  bool is_in_list() const {
    return next_ != nullptr && !open_.empty() && open_.back().made->is_array();
  }

  bool add(peer_type is, ordered value) {
    return next_ == nullptr ||
           (next_->is == is && !is_in_list() ? keep(std::move(value)) : refuse());
  }

  bool keep(ordered value) {
    put(std::move(value));
    return true;
  }

  // At the place of next_.
  ordered* put(ordered value) {
    if (open_.empty()) {
      read.members = std::move(value);
      return &read.members;
    }
    auto& in = *open_.back().made;
    if (in.is_array()) {
      in.push_back(std::move(value));
      return &in.back();
    }
    return &(in[std::string(next_->name)] = std::move(value));
  }

  bool open(peer_type is) {
    if (open_.size() == most_peer_levels) {
      return stop("it is nested deeper than " + std::to_string(most_peer_levels) + " levels");
    }
    if (next_ == nullptr) {
      open_.push_back({nullptr, nullptr});
      return true;
    }
    if (is != (is_in_list() ? peer_type::object : next_->is)) {
      return refuse();
    }
    if (is_in_list() && open_.back().made->size() == most_peer_entries) {
      return stop(path() + " has more than " + std::to_string(most_peer_entries) + " entries");
    }
    auto* const made = put(is == peer_type::list ? ordered::array() : ordered::object());
    open_.push_back({next_, made});
    return true;
  }

  // What comes next is another entry of a list, or is told by a key.
  bool close() {
    open_.pop_back();
    next_ = !open_.empty() && open_.back().made != nullptr && open_.back().made->is_array()
                ? open_.back().of
                : nullptr;
    return true;
  }

  bool refuse() { return stop(path() + is_not(next_->is)); }

  bool stop(std::string what) {
    read.wrong = std::move(what);
    return false;
  }

  // "in_flight[].by.client"
  std::string path() const {
    std::string all;
    const auto add_name = [&](std::string_view name) {
      all.append(all.empty() ? "" : ".").append(name);
    };
    for (std::size_t i = 1; i < open_.size(); ++i) {  // the first is the whole
      const auto& [of, made] = open_[i];
      if (of->is == peer_type::list && !made->is_array()) {
        all += "[]";  // one of its entries
      } else {
        add_name(of->name);
      }
    }
    if (next_ != &whole_ && !is_in_list()) {
      add_name(next_->name);
    }
    return all.empty() ? "it" : all;
  }

  const peer_member whole_;
  const peer_member* next_;  // what the next value is to be; null: it is passed over
  std::vector<level> open_;
};

}  // namespace

peer_json read_peer_json(std::string_view text, peer_page of) {
  peer_reader r(of);
  ordered::sax_parse(text, &r);
  if (!r.read.wrong.empty()) {
    r.read.members = ordered::object();
  }
  return std::move(r.read);
}

}  // namespace hangup::server
