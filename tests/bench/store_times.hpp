#pragma once
/// How long the store's verbs take on a filled database, in this process, without a daemon.

#include <cstdint>
#include <filesystem>

#include "tests/bench/figures.hpp"

namespace scheduler::bench {

/// Milliseconds; one figure a round, each the median of many calls.
struct StoreTimes {
    Figures first_page, any_page, next_due, claim, remove;
};

/// One round. Claims and removes some of the jobs that are due first.
void measure_store(const std::filesystem::path& state_dir, std::int64_t rows, StoreTimes& times);

}  // namespace scheduler::bench
