#include "handlers/search/sample_corpus.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string_view>

#include "handlers/search/locked_file.h"
#include "handlers/search/sample_words.h"
#include "handlers/search/search_root.h"

namespace hangup::search {
namespace {

namespace fs = std::filesystem;
using namespace samples;

constexpr unsigned months = 12;
constexpr unsigned days = 28;  // of the log
constexpr std::size_t letters_size = 100'000;
constexpr std::size_t log_size = 200'000;

// From books whose authors have been dead for long.
constexpr std::array<std::string_view, 16> read = {
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age "
    "of foolishness.",
    "Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in "
    "my purse, I thought I would sail about a little and see the watery part of the world.",
    "It is a truth universally acknowledged, that a single man in possession of a good fortune, "
    "must be in want of a wife.",
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having "
    "nothing to do.",
    "No one would have believed in the last years of the nineteenth century that this world was "
    "being watched keenly and closely by intelligences greater than man's.",
    "To Sherlock Holmes she is always the woman.",
    "Happy families are all alike; every unhappy family is unhappy in its own way.",
    "Whether I shall turn out to be the hero of my own life, or whether that station will be held "
    "by anybody else, these pages must show.",
    "You will rejoice to hear that no disaster has accompanied the commencement of an enterprise "
    "which you have regarded with such evil forebodings.",
    "There was no possibility of taking a walk that day.",
    "Als Gregor Samsa eines Morgens aus unruhigen Träumen erwachte, fand er sich in seinem Bett zu "
    "einem ungeheueren Ungeziefer verwandelt.",
    "Longtemps, je me suis couché de bonne heure.",
    "Nel mezzo del cammin di nostra vita mi ritrovai per una selva oscura.",
    "En un lugar de la Mancha, de cuyo nombre no quiero acordarme, no ha mucho tiempo que vivía un "
    "hidalgo.",
    "I am a sick man. I am a spiteful man. I am an unattractive man. I believe my liver is "
    "diseased.",
    "All this happened a good while ago, before the main road was paved."};

constexpr std::array<std::string_view, 12> remarks = {
    "The parcel came on a Tuesday and nobody was at home.",
    "One leg is shorter than the other three, which I take for an error.",
    "My neighbour has one as well, and hers does not squeak.",
    "I paid twice, once by mistake and once because your clerk asked me to.",
    "Please send the invoice to my brother, who has lost his bet.",
    "It works, and I have nothing to complain about.",
    "The colour is not the one of the picture.",
    "I should like to return it, unless you could take something off the price.",
    "Your web page was busy for so long that I closed it and went for a walk.",
    "The manual is in a language that none of us can read.",
    "Thank you for the quick answer of last week.",
    "If I hear nothing by the end of the month I shall hang up for good."};

struct outcome {
  std::string_view level;
  std::string_view text;
};
constexpr std::array<outcome, 16> outcomes = {
    {{"info", "200 completed"},
     {"info", "200 completed"},
     {"info", "200 completed"},
     {"info", "200 completed"},
     {"info", "200 completed"},
     {"info", "200 completed"},
     {"info", "200 completed"},
     {"info", "304 completed"},
     {"info", "499 client closed, stopped in 0.02 ms"},
     {"info", "499 client reset, stopped in 0.04 ms"},
     {"info", "404 completed"},
     {"warning", "503 rejected: the queue is full"},
     {"warning", "504 deadline passed"},
     {"error", "502 connection refused by the warehouse"},
     {"error", "500 table locked: pthread_mutex_lock timed out"},
     {"warning", "late stopper, still works after 1007 ms"}}};

std::error_code last_error() noexcept {
  return {errno, std::generic_category()};
}

template <class... Number>
std::string filled(const char* form, Number... numbers) {
  std::array<char, 64> text;
  const auto n = std::snprintf(text.data(), text.size(), form, numbers...);
  return {text.data(), static_cast<std::size_t>(n)};
}

std::string letters(unsigned month, const place& from, dice d) {
  std::string text;
  while (text.size() < letters_size) {
    const auto day = static_cast<unsigned>(1 + d.below(28));
    const auto first = d.of(first_names);
    const auto last = d.of(last_names);
    const auto thing = d.of(products);
    const auto order = d.below(250'000);
    text.append(from.city).append(filled(", 2024-%02u-%02u\n\n", month, day));
    text.append("Dear shop,\n\nthis is about the ").append(thing).append(" of my order ");
    text.append(std::to_string(order)).append(".\n");
    for (auto n = 1 + d.below(3); n > 0; --n) {
      text.append(d.of(remarks)).append("\n");
    }
    text.append("In the meantime I have been reading:\n");
    for (auto n = 1 + d.below(4); n > 0; --n) {
      text.append("  ").append(d.of(read)).append("\n");
    }
    text.append("\nYours,\n").append(first).append(" ").append(last).append("\n\n");
  }
  return text;
}

std::string log(unsigned day, dice d) {
  std::string text;
  for (std::uint64_t ms = d.below(20'000); text.size() < log_size; ms += d.below(60'000)) {
    const auto of_day = static_cast<unsigned>(ms % 86'400'000);
    text.append(filled("2024-03-%02uT%02u:%02u:%02u.%03uZ ", day, of_day / 3'600'000,
                       of_day / 60'000 % 60, of_day / 1'000 % 60, of_day % 1'000));
    const auto& end = d.of(outcomes);
    const auto thing = d.of(products);
    const auto took = d.below(900);
    const auto host = d.below(250);
    text.append(end.level).append(" GET /shop/").append(thing).append(" ").append(end.text);
    text.append(", ").append(std::to_string(took)).append(" ms [192.0.2.");
    text.append(std::to_string(host)).append("]\n");
  }
  return text;
}

std::string letters_file(unsigned month, const place& from) {
  return filled("letters/2024-%02u/", month).append(from.city).append(".txt");
}

std::string log_file(unsigned day) {
  return filled("log/2024-03-%02u.log", day);
}

struct odd_file {
  std::string_view name;
  std::string_view bytes;
};
constexpr std::array<char, 4096> nothing{};
constexpr std::array<odd_file, 6> odd_files = {
    {{"odd/byte-order-mark.txt",
      "\xEF\xBB\xBF"
      "a mark comes before this line\n"},
     {"odd/crlf.txt", "these lines end\r\nas those of Windows do\r\n"},
     {"odd/latin-1.txt", "M\xFCller, S\xE3o Paulo, Nov\xE1k\n"},
     {"odd/caf\xE9.txt", "the name of this file is Latin-1\n"},
     {"odd/utf-16.txt", std::string_view("\xFF\xFE"
                                         "m\0a\0i\0n\0\n\0",
                                         12)},
     {"odd/nothing.bin", std::string_view(nothing.data(), nothing.size())}}};

constexpr std::size_t all_files = months * cities.size() + days + odd_files.size();

class maker {
 public:
  maker(const context& ctx, std::string folder, const std::function<void(unsigned)>& progress)
      : ctx_(ctx), folder_(std::move(folder)), progress_(progress) {}

  std::error_code make() {
    for (unsigned month = 1; month <= months; ++month) {
      for (const auto& from : cities) {
        add(letters_file(month, from),
            letters(month, from, dice(3, month * cities.size() + files_)));
      }
    }
    for (unsigned day = 1; day <= days; ++day) {
      add(log_file(day), log(day, dice(4, day)));
    }
    for (const auto& odd : odd_files) {
      add(std::string(odd.name), odd.bytes);
    }
    return ec_;
  }

 private:
  void add(const std::string& name, std::string_view bytes) {
    if (ec_ || (ec_ = ctx_.err())) {
      return;
    }
    const fs::path file = folder_ + "/" + name;
    fs::create_directories(file.parent_path(), ec_);
    if (ec_) {
      return;
    }
    const descriptor to(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    ec_ = to ? std::error_code() : last_error();
    while (!ec_ && !bytes.empty()) {
      const auto n = ::write(to.get(), bytes.data(), bytes.size());
      if (n < 0 && errno != EINTR) {
        ec_ = last_error();
      }
      bytes.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
    }
    const auto percent = static_cast<unsigned>(++files_ * 100 / all_files);
    if (percent < 100 && percent != told_) {  // the last one is told when it has its name
      told_ = percent;
      progress_(percent);
    }
  }

  const context& ctx_;
  const std::string folder_;
  const std::function<void(unsigned)>& progress_;
  std::error_code ec_{};
  std::size_t files_ = 0;
  unsigned told_ = 0;
};

}  // namespace

std::error_code make_corpus(const context& ctx, const std::string& folder,
                            const std::function<void(unsigned)>& progress) {
  std::error_code ec;
  if (fs::exists(folder, ec) || ec) {
    return ec;
  }
  auto name = fs::path(folder).lexically_normal();
  name = name.has_filename() ? name : name.parent_path();  // "corpus/"
  if (name.has_parent_path()) {
    fs::create_directories(name.parent_path(), ec);
    if (ec) {
      return ec;
    }
  }
  const auto lock = name.string() + ".lock";
  locked_file held;
  ec = held.open(ctx, lock);
  if (ec) {
    return ec;
  }
  if (!fs::exists(name, ec) && !ec) {  // nobody has made it meanwhile
    progress(0);
    const auto making = name.string() + ".making";
    ec = maker(ctx, making, progress).make();
    if (!ec) {
      fs::rename(making, name, ec);
    }
    std::error_code ignored;
    fs::remove_all(making, ignored);
    if (!ec) {
      progress(100);
    }
  }
  ::unlink(lock.c_str());
  return ec;
}

std::optional<std::string> corpus_fault(const std::string& folder) {
  std::error_code ec;
  if (fs::is_empty(folder, ec) && !ec) {
    return "there is nothing in it";
  }
  if (ec == std::errc::no_such_file_or_directory) {
    return "it is not there";
  }
  // One of its folders is enough: the others may have been removed.
  const auto is_there = [&](const char* name) { return fs::is_directory(folder + name, ec); };
  if (ec || !(is_there("/letters") || is_there("/log") || is_there("/odd"))) {
    return std::nullopt;
  }
  std::size_t lost = 0;
  const auto look = [&](const std::string& name) {
    const auto size = fs::file_size(folder + "/" + name, ec);
    lost += ec || size == 0 ? 1 : 0;
  };
  for (unsigned month = 1; month <= months; ++month) {
    for (const auto& from : cities) {
      look(letters_file(month, from));
    }
  }
  for (unsigned day = 1; day <= days; ++day) {
    look(log_file(day));
  }
  for (const auto& odd : odd_files) {
    look(std::string(odd.name));
  }
  return lost == 0 ? std::nullopt
                   : std::optional(std::to_string(lost) + " of its " + std::to_string(all_files) +
                                   " files are not there or empty");
}

}  // namespace hangup::search
