/// Durable submits: one client, and 32 at once, beside the disk and beanstalkd.

#include "tests/bench/our_daemon.hpp"
#include "tests/bench/peers.hpp"
#include "tests/bench/protocols.hpp"

namespace scheduler::bench {
namespace {

constexpr int many = 32;
/// The open loop asks at this part of what the closed one got: no queue is its own doing, also on a
/// machine whose speed changes from round to round.
constexpr double open_part = 0.5;

Figures of_reciprocal_ms(const Figures& rates) {
    Figures times;
    for (double rate : rates.values())
        times.add(1000 / rate);
    return times;
}

struct Measured {
    Figures disk, one, many_rate, many_p99;
    Figures beanstalk_one, beanstalk_many;
};

void measure_beanstalkd(const Settings& settings,
                        const Beanstalkd& peer,
                        const BeanstalkPut& put,
                        Measured& measured) {
    double seconds = settings.seconds();
    measured.beanstalk_one.add(run_closed_loop(peer.endpoint(), put, {.seconds = seconds}).rate());
    measured.beanstalk_many.add(
        run_closed_loop(peer.endpoint(), put, {.connections = many, .seconds = seconds}).rate());
}

void report_rows(Bench& bench, const Measured& measured, const std::string& beanstalk_note) {
    bench.report.add({"post_1_disk",
                      "durable POST /job, one keep-alive client",
                      "jobs/s",
                      "disk, fdatasync",
                      Target::ratio_at_least(0.8),
                      measured.one,
                      measured.disk});
    bench.report.add({"post_1_beanstalkd",
                      "durable POST /job, one keep-alive client",
                      "jobs/s",
                      "beanstalkd -f0",
                      Target::ratio_at_least(1),
                      measured.one,
                      measured.beanstalk_one,
                      beanstalk_note});
    bench.report.add({"post_32_disk",
                      "durable POST /job, 32 clients",
                      "jobs/s",
                      "disk, fdatasync",
                      Target::ratio_at_least(5),
                      measured.many_rate,
                      measured.disk});
    bench.report.add({"post_32_beanstalkd",
                      "durable POST /job, 32 clients",
                      "jobs/s",
                      "beanstalkd -f0",
                      {},
                      measured.many_rate,
                      measured.beanstalk_many,
                      beanstalk_note});
    bench.report.add({"post_32_p99",
                      "p99 of POST /job, 32 connections, open loop at half that rate",
                      "ms",
                      "disk, fdatasync",
                      Target::ratio_at_most(10),
                      measured.many_p99,
                      of_reciprocal_ms(measured.disk)});
}

}  // namespace

void measure_submits(Bench& bench) {
    auto disk = bench.new_dir("disk");
    double seconds = bench.settings.seconds();
    OurDaemon daemon(bench, bench.new_dir("state"));
    std::unique_ptr<Beanstalkd> beanstalkd;
    std::string beanstalk_note;
    try {
        beanstalkd = std::make_unique<Beanstalkd>(bench);
    } catch (const Absent& absent) {
        beanstalk_note = absent.what();
    }
    const std::string job = job_json(R"("time":"1h")");
    auto post = HttpRequest::post("/job", job);
    BeanstalkPut put(job);
    Measured measured;
    for (int round = 0; round < bench.settings.rounds; ++round) {
        measured.disk.add(disk_syncs_per_second(disk, seconds));
        measured.one.add(run_closed_loop(daemon.http(), post, {.seconds = seconds}).rate());
        measured.many_rate.add(
            run_closed_loop(daemon.http(), post, {.connections = many, .seconds = seconds}).rate());
        double rate = measured.many_rate.values().back() * open_part;
        measured.many_p99.add(run_open_loop(daemon.http(),
                                            post,
                                            {.connections = many, .rate = rate, .seconds = seconds})
                                  .percentile_ms(0.99));
        if (beanstalkd) measure_beanstalkd(bench.settings, *beanstalkd, put, measured);
    }
    report_rows(bench, measured, beanstalk_note);
}

}  // namespace scheduler::bench
