#include "tests/bench/store_times.hpp"

#include <chrono>
#include <random>

#include "tests/bench/filler.hpp"

namespace scheduler::bench {
namespace {

constexpr int reads = 100;
constexpr int writes = 30;
constexpr std::int64_t page = 100;

template <class Call>
double median_ms(int count, Call call) {
    Figures times;
    for (int i = 0; i < count; ++i) {
        auto begin = std::chrono::steady_clock::now();
        call();
        times.add(
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
                .count());
    }
    return times.median();
}

template <class T>
T value_of(Result<T> result) {
    if (!result) throw std::runtime_error("the store refused: " + result.error().message);
    return std::move(*result);
}

/// Places all over both sections, found beforehand.
std::vector<ListPosition> some_places(OpenStore& store, std::int64_t rows) {
    std::mt19937_64 random(1);
    std::uniform_int_distribution<std::int64_t> number(1, rows - page);
    std::vector<ListPosition> places;
    while (places.size() < reads) {
        auto records = value_of(store->records_after(number(random), 1));
        if (records.empty()) continue;
        places.push_back(value_of(store->position_of(records.front().job.id)));
    }
    return places;
}

/// Claims the job that is due first, as if its time had come, and ends it.
double claim_one(OpenStore& store) {
    TimePoint due = value_of(store->next_due()).value();
    ClaimResult claimed;
    double took = median_ms(1, [&] {
        claimed = store.wait<ClaimResult>([&](auto reply) {
            store->claim_due({due, 1, "engine"}, std::move(reply));
        });
    });
    for (const RunningJob& job : claimed.jobs) {
        Outcome outcome;
        outcome.finish = FinishStatus::lost;
        outcome.finished_at = store.now();
        (void)store.wait<bool>(
            [&](auto reply) { store->finish(job.id, job.attempt, outcome, std::move(reply)); });
    }
    return took;
}

}  // namespace

void measure_store(const std::filesystem::path& state_dir, std::int64_t rows, StoreTimes& times) {
    OpenStore store(state_dir);
    auto places = some_places(store, rows);
    std::size_t next = 0;
    // Each page once before it is measured, so that the disk's cache is warm at every size.
    for (const ListPosition& place : places)
        (void)value_of(store->list({}, place, page));
    times.any_page.add(median_ms(
        reads, [&] { (void)value_of(store->list({}, places[next++ % places.size()], page)); }));
    times.first_page.add(
        median_ms(reads, [&] { (void)value_of(store->list({}, std::nullopt, page)); }));
    times.next_due.add(median_ms(reads, [&] { (void)value_of(store->next_due()); }));

    Figures claims;
    for (int i = 0; i < writes; ++i)
        claims.add(claim_one(store));
    times.claim.add(claims.median());
    ListFilter scheduled;
    scheduled.status = {JobStatus::scheduled};
    auto jobs = value_of(store->list(scheduled, std::nullopt, writes)).jobs;
    std::size_t removed = 0;
    times.remove.add(median_ms(static_cast<int>(jobs.size()), [&] {
        (void)store.wait<Done>([&](auto reply) {
            store->cancel(jobs[removed++].id, store.now(), "removed", std::move(reply));
        });
    }));
}

}  // namespace scheduler::bench
