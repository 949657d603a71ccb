#include "tests/simulation/world.hpp"

#include <fstream>

#include <fmt/format.h>

#include "daemon/dispatch/names.hpp"

namespace scheduler::sim {
namespace {

constexpr const char* database = "/simulated/schedulerd.db";
constexpr const char* instance = "instance";
constexpr std::uint64_t log_limit = 1 << 20;
/// Small, so that all three are met.
constexpr CheckpointLimits checkpoint_limits{40, 10, 200};
/// Closures in one moment of simulated time: more is a daemon that spins.
constexpr int closures_max = 100'000;

}  // namespace

World::World(std::filesystem::path logs, bool is_talkative)
    : logs_(std::move(logs)),
      is_talkative_(is_talkative),
      disk_([this] { return random_.next(); }) {
    std::filesystem::remove_all(logs_);
    engine_.on_word = [this](const std::string& what, const std::string& container) {
        engine_did(what, container);
    };
    engine_.on_start = [this](const Container& container) { on_start(container); };
    engine_.on_start_sent = [this] { start_was_sent(); };
    engine_.on_create_sent = [this](const std::string& name) { create_was_sent(name); };
    boot();
}

World::~World() {
    engine_.on_word = {};
    engine_.on_start = {};
    engine_.on_start_sent = {};
    engine_.on_create_sent = {};
    crash(false);
}

void World::say(const std::string& what) const {
    if (on_word) on_word(what);
    if (is_talkative_)
        fmt::print(
            "{} +{:.3f}s  {}\n",
            to_rfc3339(time_.clock.now()),
            static_cast<double>(time_.clock.steady().time_since_epoch().count() - 1'000'000) /
                1000.0,
            what);
}

/// What daemon.cpp does. A start that fails (a full disk, a crash meanwhile) is tried again.
void World::boot() {
    auto process = std::make_unique<Process>();
    auto on_fatal = [this](const std::string&) { is_failing_ = true; };
    auto on_space = [this] {
        if (process_) process_->dispatcher->disk_has_space();
    };
    auto store = SqliteStore::open({database,
                                    time_.commits,
                                    time_.clock,
                                    [this] { return random_.next(); },
                                    on_fatal,
                                    {},
                                    on_space,
                                    nullptr,
                                    &time_.checkpoints,
                                    checkpoint_limits});
    if (!store || disk_.has_crashed) {
        say("the daemon could not start" + (store ? std::string() : ": " + store.error().message));
        process.reset();
        if (disk_.has_crashed) disk_.restart();
        return boot_after(1s);
    }
    process->store = std::move(*store);
    process->store->on_commit([this](const std::vector<CommittedEvent>& events) {
        if (disk_.has_crashed || !process_) return;
        on_commit(events);
        process_->events.committed(events);
    });
    process->spool = std::make_unique<Spool>(logs_, log_limit);
    process->dispatcher =
        std::make_unique<Dispatcher>(Dispatcher::Parts{engine_,
                                                       *process->store,
                                                       *process->spool,
                                                       process->events,
                                                       process->metrics,
                                                       time_.clock,
                                                       time_.core,
                                                       time_.disk,
                                                       time_.due_timer,
                                                       instance,
                                                       false,
                                                       [this] { return random_.next(); }},
                                     DispatchOptions{max_running_, 0, limits_});
    process->service = std::make_unique<Service>(*process->store,
                                                 *process->spool,
                                                 *process->dispatcher,
                                                 process->events,
                                                 process->metrics,
                                                 time_.clock,
                                                 time_.front,
                                                 time_.checkpoints);
    ServiceOptions options;
    options.max_running = max_running_;
    process->service->set_options(std::move(options));
    process_ = std::move(process);
    booted_at_ = time_.clock.steady();
    say("the daemon is up");
    compare_after_restart();
    for (const Asked& asked : asked_)
        repeat_unanswered(asked);
    asked_.clear();
    time_.on_due = [this] { process_->dispatcher->due_timer_rang(); };
    if (!process_->dispatcher->start()) violate("the dispatcher could not start");
    resume_readers();
}

/// `machine_too`: the power was cut, so what was not synced is gone in part.
void World::crash(bool machine_too) {
    if (!process_) return;
    say(machine_too ? "power cut" : "the daemon is killed");
    ++crashes_;
    engine_.drop_client();
    disk_.has_crashed = true;  // destructors of a process that was killed do not run
    died_at_ = time_.clock.steady();
    waiters_.clear();
    to_create_.clear();
    drop_readers();
    time_.drop_process();
    process_->service.reset();
    process_->dispatcher.reset();
    process_->store.reset();
    process_.reset();
    time_.drop_process();
    is_failing_ = is_stopping_ = false;
    troubled_at_ = time_.clock.steady();
    if (!machine_too) return disk_.restart();
    disk_.cut_power();
    // Output that was not synced may be torn anywhere.
    std::error_code ignored;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(logs_, ignored))
        if (entry.is_regular_file() && entry.path().has_extension() &&
            (entry.path().extension() == ".part" || entry.path().extension() == ".head" ||
             entry.path().extension() == ".whole"))
            std::filesystem::resize_file(
                entry.path(), random_.below(entry.file_size() + 1), ignored);
}

void World::boot_after(Duration length) {
    time_.after(length, [this] {
        if (!process_) boot();
    });
}

void World::after_closure() {
    if (disk_.has_crashed || is_failing_) {
        crash(disk_.has_crashed && random_.chance(50));
        boot_after(random_.between(0ms, 3s));
    }
    if (closures_to_crash_ > 0 && process_ && --closures_to_crash_ == 0) {
        crash(crash_cuts_power_);
        boot_after(random_.between(0ms, 3s));
    }
}

void World::pass(Duration length) {
    SteadyPoint until = time_.clock.steady() + length;
    do {
        for (int i = 0; time_.run_one(); ++i) {
            after_closure();
            if (i > closures_max) violate("the daemon spins: no time passes");
        }
        check_bounds();
    } while (time_.move_on(until));
    while (time_.run_one())
        after_closure();
}

void World::perform(const Step& step) {
    random_.seed(step.seed);
    reads_.seed(~step.seed);
    clients_.seed(step.seed + 1);
    orders_.seed(step.seed + 2);
    ends_.seed(step.seed + 3);
    tries_.seed(step.seed + 4);
    lines_.seed(step.seed + 5);
    say(fmt::format("step {}: {}", step.index, word_of(step.action)));
    switch (step.action) {
        case Action::add:
            // Several at once meet in one commit, or in the claim of another.
            for (std::uint64_t i = 0, count = random_.chance(60) ? 1 : 4; i < count; ++i) {
                std::vector<AddRequest> requests{make_request()};
                ask_to_add(requests);
                // Two under one key, neither of which waits for the other's answer.
                if (requests.front().key && clients_.chance(15)) ask_to_add(requests);
            }
            break;
        case Action::add_again:
            ask_again();
            break;
        case Action::add_batch: {
            std::vector<AddRequest> requests;
            for (std::uint64_t i = 0, count = 2 + random_.below(8); i < count; ++i)
                requests.push_back(make_request());
            ask_to_add(requests);
            break;
        }
        case Action::remove:
        case Action::run:
        case Action::kill:
        case Action::edit:
        case Action::hold:
        case Action::release:
        case Action::pause:
        case Action::resume:
            ask_to_change(step.action);
            break;
        case Action::set_group:
            ask_to_set_group();
            break;
        case Action::read:
            ask_to_read();
            break;
        case Action::wait:
            ask_to_wait();
            break;
        case Action::prune:
            ask_to_prune();
            break;
        case Action::set_limits:
            change_limits();
            break;
        case Action::vanish:
            clients_vanish();
            break;
        case Action::idle:
            pass(random_.between(1s, 60s));
            break;
        case Action::kill_daemon:
        case Action::stop_daemon:
        case Action::crash_in_write:
        case Action::crash_at_start:
        case Action::cut_power:
            do_to_daemon(step.action);
            break;
        case Action::fill_disk:
        case Action::fail_sync:
        case Action::set_clock:
        case Action::suspend:
            do_to_machine(step.action);
            break;
        case Action::engine_gone:
        case Action::engine_dies_at_start:
        case Action::engine_hangs:
        case Action::engine_flaky:
        case Action::stranger:
            do_to_engine(step.action);
            break;
    }
    pass(random_.chance(70) ? random_.between(0ms, 200ms) : random_.between(0ms, 8s));
}

void World::come_to_rest() {
    random_.seed(1);
    say("come to rest");
    disk_.is_full = disk_.fails_next_sync = false;
    disk_.crash_after_calls = closures_to_crash_ = 0;
    crashes_at_start_ = engine_dies_at_start_ = false;
    // It may have gone at this very moment, which no look at it has seen yet.
    if (!engine_.is_well()) engine_troubled_at_ = time_.clock.steady();
    engine_.heal();
    for (int i = 0; i < 400 && !process_; ++i)
        pass(1min);
    pass(5s);
    ask_to_change(Action::resume);
    for (const char* name : {"narrow", "wide"}) {
        GroupWish wish;
        wish.name = name;
        wish.is_removal = true;
        ask_of_group(wish);
    }
    pass(5s);
    // Longest: a start that hangs for its 120 s, a backoff of 30 s, the slow timer of 60 s, twice.
    pass(20min);
    check_at_rest();
    check_history_at_rest();
}

World::Figures World::figures() const {
    Figures figures;
    figures.crashes = crashes_;
    figures.purged = static_cast<int>(model_.purged().size());
    auto count = [&](const ModelJob& job) {
        ++figures.jobs;
        for (int attempt = 1; attempt <= job.attempt(); ++attempt)
            for (const auto& container : engine_.ever(container_name(job.id, attempt)))
                figures.starts += container->starts;
        figures.retries += static_cast<int>(job.tries.size());
        if (job.ended) ++figures.ends[std::string(to_string(*job.ended->finish_status))];
    };
    for (const auto* jobs : {&model_.jobs(), &model_.purged()})
        for (const auto& [id, job] : *jobs)
            count(job);
    return figures;
}

}  // namespace scheduler::sim
