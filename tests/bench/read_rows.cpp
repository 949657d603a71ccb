/// GET /job/{id} with many jobs stored, beside a handler in Python and beside our own front end
/// alone.

#include <algorithm>
#include <random>

#include "tests/bench/filler.hpp"
#include "tests/bench/our_daemon.hpp"
#include "tests/bench/peers.hpp"
#include "tests/bench/protocols.hpp"
#include "tests/support/http_client.hpp"

namespace scheduler::bench {
namespace {

constexpr std::size_t asked_for = 10'000;
constexpr std::int64_t page = 100;

/// Ids from all over the table.
std::vector<JobId> some_ids(const std::filesystem::path& state_dir, std::int64_t jobs) {
    OpenStore store(state_dir);
    std::mt19937_64 random(1);
    std::uniform_int_distribution<std::int64_t> place(0, jobs - page - 1);
    std::vector<JobId> ids;
    while (ids.size() < asked_for) {
        auto records = store->records_after(place(random), page);
        if (!records || records->empty()) throw std::runtime_error("the filled database is empty");
        for (const JobRecord& record : *records)
            ids.push_back(record.job.id);
    }
    std::shuffle(ids.begin(), ids.end(), random);
    return ids;
}

std::vector<std::string> targets(const std::vector<JobId>& ids) {
    std::vector<std::string> paths;
    for (JobId id : ids)
        paths.push_back("/job/" + id.to_string());
    return paths;
}

}  // namespace

void measure_reads(Bench& bench) {
    std::int64_t jobs = bench.settings.million();
    auto state_dir = bench.filled_state(jobs);
    auto paths = targets(some_ids(state_dir, jobs));
    OurDaemon daemon(bench, state_dir);
    const std::string one = test::http(daemon.http().port, "GET", paths.front()).body;
    const std::string id = paths.front().substr(std::string("/job/").size());
    std::unique_ptr<Tornado> tornado;
    std::string note;
    try {
        tornado = std::make_unique<Tornado>(bench, id, one);
    } catch (const Absent& absent) {
        note = absent.what();
    }
    HttpGetEach get_each(paths);
    auto get_one = HttpRequest::get(paths.front());
    auto constant = HttpRequest::get("/healthz");
    Figures ours, theirs, front_end;
    ClosedLoop how{.connections = 16, .seconds = bench.settings.seconds()};
    for (int round = 0; round < bench.settings.rounds; ++round) {
        ours.add(run_closed_loop(daemon.http(), get_each, how).rate());
        if (tornado) theirs.add(run_closed_loop(tornado->endpoint(), get_one, how).rate());
        front_end.add(run_closed_loop(daemon.http(), constant, how).rate());
    }
    const std::string what =
        "GET /job/{id}, 16 keep-alive clients, " + show_count(jobs) + " jobs stored";
    bench.report.add({"get_tornado",
                      what,
                      "requests/s",
                      "Tornado handler",
                      Target::ratio_at_least(8),
                      ours,
                      theirs,
                      note});
    bench.report.add({"get_constant",
                      what,
                      "requests/s",
                      "our GET /healthz",
                      Target::ratio_at_least(0.5),
                      ours,
                      front_end});
}

}  // namespace scheduler::bench
