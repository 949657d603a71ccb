#include "daemon/daemon.hpp"

#include <algorithm>
#include <atomic>
#include <future>

#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/asio_executor.hpp"
#include "daemon/base/random.hpp"
#include "daemon/base/thread_executor.hpp"
#include "daemon/base/wall_timer.hpp"
#include "daemon/dispatch/dispatcher.hpp"
#include "daemon/engine/docker/docker_engine.hpp"
#include "daemon/http/server.hpp"
#include "daemon/service/backup.hpp"
#include "daemon/service/service.hpp"
#include "daemon/socket/socket_server.hpp"
#include "daemon/state_dir.hpp"
#include "daemon/store/sqlite/database_check.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t front_end_threads = 2;
/// SIGTERM to the end of requests under way; the whole stop takes at most 10 s.
constexpr Duration stop_grace = 5s;
constexpr const char* instance_key = "instance";

/// Waits for one write, at start-up only.
template <class T>
Result<T> wait_for(UniqueFunction<void(Reply<T>)> call) {
    auto promise = std::make_shared<std::promise<Result<T>>>();
    auto future = promise->get_future();
    call([promise](Result<T> result) { promise->set_value(std::move(result)); });
    return future.get();
}

/// Each connection is a descriptor: the soft limit goes up to the hard one.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) log_warning("descriptor_limit_not_raised");
}

std::vector<HttpAddress> http_addresses(const Options& options) {
    std::vector<HttpAddress> addresses;
    for (const ListenAddress& listen : options.listen)
        addresses.push_back({listen.host, listen.port, listen.may_be_missing});
    return addresses;
}

HttpOptions http_options(const Options& options) {
    HttpOptions http;
    http.allowed_hosts = options.allowed_hosts;
    for (const Token& token : options.tokens)
        http.tokens[token.secret] = token.name;
    return http;
}

/// The default is a part of the file system where that is small.
std::optional<std::int64_t> log_total(const Options& options, const StateDir& state_dir) {
    if (options.log_total_is_unlimited) return std::nullopt;
    if (options.log_total) return static_cast<std::int64_t>(*options.log_total);
    std::error_code unknown;
    auto space = std::filesystem::space(state_dir.path(), unknown);
    std::uint64_t part = unknown ? Options::log_total_default
                                 : space.capacity / Options::log_total_part_of_file_system;
    return static_cast<std::int64_t>(
        std::clamp(part, Options::log_total_min, Options::log_total_default));
}

DispatchOptions dispatch_options(const Options& options, const StateDir& state_dir) {
    DispatchOptions made;
    made.max_running = options.max_running;
    made.max_starting = options.max_starting.value_or(0);
    made.retention = {options.history_age, options.history_count, log_total(options, state_dir)};
    made.ballast = state_dir.ballast();
    return made;
}

/// Options that were changed, and that only a restart puts in force.
std::string changed_for_restart(const Options& in_force, const Options& reloaded) {
    std::vector<std::string_view> names;
    auto compare = [&](std::string_view name, auto member) {
        if (!(in_force.*member == reloaded.*member)) names.push_back(name);
    };
    compare("listen", &Options::listen);
    compare("socket", &Options::socket);
    compare("socket-group", &Options::socket_group);
    compare("state-dir", &Options::state_dir);
    compare("engine", &Options::engine);
    compare("log-format", &Options::log_format);
    return fmt::format("{}", fmt::join(names, ","));
}

/// A user's daemon ends with the user's last session unless lingering is on: loginctl(1).
std::vector<std::string> lingering_warning() {
    const char* under_systemd =
        std::getenv("INVOCATION_ID");  // NOLINT(concurrency-mt-unsafe): at start
    if (::getuid() == 0 || under_systemd == nullptr) return {};
    const passwd* user = ::getpwuid(::getuid());  // NOLINT(concurrency-mt-unsafe): at start
    if (user == nullptr) return {};
    struct stat ignored {};
    if (::stat(fmt::format("/var/lib/systemd/linger/{}", user->pw_name).c_str(), &ignored) == 0)
        return {};
    return {fmt::format(
        "lingering is off, so this daemon ends when {0} logs out; run: loginctl enable-linger {0}",
        user->pw_name)};
}

Result<std::string> instance_of(Store& store, const Clock& clock) {
    auto known = store.meta(instance_key);
    if (!known) return fail(known.error());
    if (*known) return **known;
    std::string instance = IdGenerator(clock, system_random(), std::nullopt).next().to_string();
    auto stored = wait_for<Done>(
        [&](Reply<Done> reply) { store.set_meta(instance_key, instance, std::move(reply)); });
    if (!stored) return fail(stored.error());
    return instance;
}

}  // namespace

/// In the order of construction; what is destroyed first stands last.
struct Daemon::Parts {
    explicit Parts(Options given, StateDir directory, UniqueFunction<Result<Options>()> again)
        : options(std::move(given)),
          state_dir(std::move(directory)),
          reload(std::move(again)),
          spool(state_dir.logs(), options.log_limit) {}

    Options options;
    StateDir state_dir;
    UniqueFunction<Result<Options>()> reload;
    SystemClock clock;
    Metrics metrics;
    EventHub events;
    asio::io_context core_loop{1};
    LoopPool front_loops{front_end_threads};
    AsioExecutor core{core_loop};
    AsioExecutor front{front_loops.first()};
    asio::signal_set signals{core_loop, SIGTERM, SIGINT, SIGHUP};
    Spool spool;
    std::atomic<int> exit_code = 0;
    bool is_stopping = false;
    std::string instance;

    std::unique_ptr<SqliteStore> store;
    /// Destroyed, and so drained, before the store: see `stop_threads`.
    std::unique_ptr<ThreadExecutor> commits = std::make_unique<ThreadExecutor>("store");
    std::unique_ptr<ThreadExecutor> disk = std::make_unique<ThreadExecutor>("spool");
    std::unique_ptr<ThreadExecutor> checks =
        std::make_unique<ThreadExecutor>("check", ThreadExecutor::Priority::background);
    std::unique_ptr<ThreadExecutor> checkpoints = std::make_unique<ThreadExecutor>("checkpoint");
    std::unique_ptr<DockerEngine> engine;
    std::unique_ptr<WallTimer> due_timer;
    std::unique_ptr<Dispatcher> dispatcher;
    std::unique_ptr<Service> service;
    std::unique_ptr<HttpServer> http;
    std::unique_ptr<SocketServer> socket;
    std::vector<std::string> http_listening;

    /// A start that fails ends here, too.
    ~Parts() {
        front_loops.stop();
        checkpoints->stop();
        commits->stop();
    }

    Result<Done> open_store();
    Result<Done> open_engine();
    Result<Done> open_front_ends();
    void apply(const Options& reloaded);
    void wait_for_signal();
    void on_signal(int signal);
    void begin_stop();
    void stop_threads();
};

Result<Done> Daemon::Parts::open_store() {
    auto on_fatal = [this](const std::string&) {
        exit_code = 1;  // the core may run no more
        core.post([this] { begin_stop(); });
    };
    auto on_disk_full = [this] {
        core.post([this] {
            if (dispatcher) dispatcher->disk_is_full();
        });
    };
    auto on_space = [this] {
        core.post([this] {
            if (dispatcher) dispatcher->disk_has_space();
        });
    };
    auto opened = SqliteStore::open({state_dir.database(),
                                     *commits,
                                     clock,
                                     system_random(),
                                     on_fatal,
                                     on_disk_full,
                                     on_space,
                                     checks.get(),
                                     checkpoints.get()});
    if (!opened) return fail(opened.error());
    store = std::move(*opened);
    store->on_commit(
        [this](const std::vector<CommittedEvent>& committed) { events.committed(committed); });
    auto known = instance_of(*store, clock);
    if (!known) return fail(known.error());
    instance = *known;
    Backup::remove_unfinished(state_dir.backups(), instance);
    if (!options.paused) return Done{};
    auto paused = wait_for<PauseChange>(
        [&](Reply<PauseChange> reply) { store->set_pause({.paused = true}, std::move(reply)); });
    if (!paused) return fail(paused.error());
    return Done{};
}

Result<Done> Daemon::Parts::open_engine() {
    auto candidates = find_engine(options.engine, EngineEnvironment::of_process());
    if (!candidates) return fail(candidates.error());
    engine = std::make_unique<DockerEngine>(core_loop, std::move(*candidates));
    due_timer =
        std::make_unique<TimerFdWallTimer>(core_loop, [this] { dispatcher->due_timer_rang(); });
    dispatcher = std::make_unique<Dispatcher>(Dispatcher::Parts{*engine,
                                                                *store,
                                                                spool,
                                                                events,
                                                                metrics,
                                                                clock,
                                                                core,
                                                                *disk,
                                                                *due_timer,
                                                                instance,
                                                                !options.engine.empty(),
                                                                system_random()},
                                              dispatch_options(options, state_dir));
    return Done{};
}

Result<Done> Daemon::Parts::open_front_ends() {
    auto listeners = bind_listeners(front_loops.first(), http_addresses(options));
    if (!listeners) return fail(listeners.error());
    for (const auto& listener : *listeners)
        http_listening.push_back(listener->address());
    auto file = SocketFile::bind({options.socket, options.socket_group, options.state_dir});
    if (!file) return fail(file.error());
    service = std::make_unique<Service>(
        *store, spool, *dispatcher, events, metrics, clock, front, *checks);
    socket = std::make_unique<SocketServer>(front_loops, *service);
    http = std::make_unique<HttpServer>(front_loops, *service, http_options(options));
    apply(options);
    http->serve(std::move(*listeners));
    socket->serve(std::move(*file));
    return Done{};
}

/// What a reload may change. The rest needs a restart.
void Daemon::Parts::apply(const Options& reloaded) {
    set_log_level(reloaded.log_level);
    spool.set_limit(reloaded.log_limit);
    if (http) http->set_options(http_options(reloaded));
    dispatcher->set_options(dispatch_options(reloaded, state_dir));
    ServiceOptions shown;
    shown.refuse_past_dates = reloaded.refuse_past_dates;
    shown.max_running = reloaded.max_running;
    shown.log_total = log_total(reloaded, state_dir);
    shown.state_dir = state_dir.path().native();
    shown.instance = instance;
    shown.listen = http_listening;
    shown.socket = options.socket;
    shown.warnings = lingering_warning();
    service->set_options(std::move(shown));
}

void Daemon::Parts::wait_for_signal() {
    signals.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error) return;
        on_signal(signal);
        wait_for_signal();
    });
}

void Daemon::Parts::on_signal(int signal) {
    if (signal != SIGHUP) {
        log_info("stopping", {{"signal", signal}});
        return begin_stop();
    }
    (void)sd_notify(0, "RELOADING=1");
    auto reloaded = reload();
    if (reloaded) {
        apply(*reloaded);
        std::string left = changed_for_restart(options, *reloaded);
        if (left.empty())
            log_info("reloaded");
        else
            log_warning("reloaded", {{"changed_but_needs_restart", left}});
    } else {
        log_error("reload_failed",
                  {{"error", reloaded.error().message}, {"kept", "the options in force"}});
    }
    (void)sd_notify(0, "READY=1");
}

/// Nothing new is begun. Front ends end first, so that what was accepted is answered; then the
/// core's loop.
void Daemon::Parts::begin_stop() {
    if (std::exchange(is_stopping, true)) return;
    (void)sd_notify(0, "STOPPING=1");
    dispatcher->stop_claiming();
    auto left = std::make_shared<std::atomic<int>>(2);
    auto one_stopped = [this, left] {
        if (--*left == 0) core.post([this] { core_loop.stop(); });
    };
    http->stop(stop_grace, one_stopped);
    socket->stop(stop_grace, one_stopped);
}

/// Each thread ends before what it may call: front ends, then the writer and the spool, whose last
/// replies are posted to loops that nobody runs any more.
void Daemon::Parts::stop_threads() {
    dispatcher->stop();
    front_loops.stop();
    // They reply to each other: what is posted to one that has stopped is not done.
    checks->stop();
    disk->stop();
    checkpoints->stop();
    commits->stop();
}

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Daemon::~Daemon() = default;

Result<std::unique_ptr<Daemon>> Daemon::open(Options options,
                                             UniqueFunction<Result<Options>()> reload) {
    set_log_level(options.log_level);
    set_log_format(options.log_format);
    raise_descriptor_limit();
    auto state_dir = StateDir::open(options.state_dir);
    if (!state_dir) return fail(state_dir.error());
    auto parts =
        std::make_unique<Parts>(std::move(options), std::move(*state_dir), std::move(reload));
    if (auto opened = parts->open_store(); !opened) return fail(opened.error());
    if (auto opened = parts->open_engine(); !opened) return fail(opened.error());
    if (auto opened = parts->open_front_ends(); !opened) return fail(opened.error());
    return std::unique_ptr<Daemon>(new Daemon(std::move(parts)));
}

Result<std::string> Daemon::check_database(const Options& options) {
    return scheduler::check_database(std::filesystem::path(options.state_dir) / "schedulerd.db");
}

int Daemon::run() {
    Parts& parts = *parts_;
    parts.wait_for_signal();
    if (auto started = parts.dispatcher->start(); !started) {
        log_error("start_failed", {{"error", started.error().message}});
        return 1;
    }
    parts.front_loops.start();
    log_info("ready",
             {{"version", SCHEDULER_VERSION},
              {"pid", ::getpid()},
              {"listen", fmt::format("{}", fmt::join(parts.http_listening, ","))},
              {"socket", parts.options.socket},
              {"state_dir", parts.state_dir.path().native()}});
    (void)sd_notify(0, "READY=1");
    parts.core_loop.run();
    parts.stop_threads();
    log_info("stopped", {{"exit_code", parts.exit_code.load()}});
    return parts.exit_code;
}

}  // namespace scheduler
