#include "tests/bench/bench.hpp"

#include <cstdlib>

#include <fmt/format.h>

#include "tests/bench/filler.hpp"

namespace scheduler::bench {

Bench::Bench(Settings given, Report& to)
    : settings(settings_), report(to), settings_(std::move(given)) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "scheduler-bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
        throw std::runtime_error(fmt::format("can't make a directory like {}", pattern));
    sockets_ = pattern;
    std::filesystem::remove_all(settings_.data);
    std::filesystem::create_directories(settings_.data);
}

Bench::~Bench() {
    std::error_code ignored;
    std::filesystem::remove_all(sockets_, ignored);
    std::filesystem::remove_all(settings_.data, ignored);
}

std::filesystem::path Bench::new_dir(const std::string& name) {
    auto dir = settings_.data / fmt::format("{}-{}", name, ++dirs_);
    std::filesystem::create_directories(dir);
    return dir;
}

std::filesystem::path Bench::filled_state(std::int64_t jobs) {
    auto found = filled_.find(jobs);
    if (found != filled_.end()) return found->second;
    auto dir = new_dir(fmt::format("filled-{}", jobs));
    fill_state(dir, jobs);
    filled_[jobs] = dir;
    return dir;
}

}  // namespace scheduler::bench
