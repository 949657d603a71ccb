#include "daemon/http/server.hpp"

#include <cerrno>
#include <cstring>
#include <mutex>
#include <unordered_map>

#include <sys/socket.h>

#include "common/unique_fd.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/published.hpp"
#include "daemon/http/connection.hpp"

namespace scheduler {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds accept_pause{50};
/// Connections that are being told that there are too many; more than these are told without
/// waiting for them to read it.
constexpr std::size_t refusals_max = 64;
/// Connections that give way to new ones and have not ended yet.
constexpr std::size_t leaving_max = 64;
/// How long sockets that were closed by force have to end their coroutines.
constexpr std::chrono::seconds unwinding_time{1};

bool is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

/// What the server and its connections share. Synchronised inside, but for the acceptors and the
/// timer, which live on the first loop.
struct HttpServer::Core : std::enable_shared_from_this<Core> {
    Core(LoopPool& loops, Service& to_serve, HttpOptions initial)
        : front_end(loops),
          service(to_serve),
          options(std::make_shared<const HttpOptions>(std::move(initial))),
          timer(asio::any_io_executor(loops.first().get_executor())) {}

    LoopPool& front_end;
    Service& service;
    Published<std::shared_ptr<const HttpOptions>> options;
    std::vector<std::shared_ptr<Listener>> listeners;
    asio::steady_timer timer;  ///< of `stop`
    const Session::Untaken untaken = std::make_shared<std::atomic<std::size_t>>(0);

    std::mutex mutex;  ///< guards what follows
    struct Entry {
        std::weak_ptr<Session> session;
        bool is_leaving = false;
    };
    std::unordered_map<Session*, Entry> sessions;
    std::size_t leaving = 0;
    std::size_t refusals = 0;
    bool is_stopping = false;
    UniqueFunction<void()> stopped;

    static asio::awaitable<void> accept(std::shared_ptr<Core> core,
                                        std::shared_ptr<Listener> listener);
    /// Takes what is in the queue. 0, or the errno that ended it.
    int accept_all(Listener& listener);
    void begin(UniqueFd fd, const tcp& protocol);
    /// Makes the most dispensable connections leave until there is room for one more. False when
    /// there are none. With the mutex held.
    bool make_room(std::size_t connections);
    bool make_one_leave();
    void serve(const std::shared_ptr<Session>& session);
    void refuse(const std::shared_ptr<Session>& session);
    void ended(Session* session);
    void close_all();
    bool is_stopped();
    void finish_stop();
    void close_listeners();
};

namespace {

/// For co_spawn: a connection's bug ends the connection, not the daemon.
void log_failure(const std::exception_ptr& failure) {
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        log_error("http_connection_failed", {{"error", error.what()}});
    }
}

}  // namespace

asio::awaitable<void> HttpServer::Core::accept(std::shared_ptr<Core> core,
                                               std::shared_ptr<Listener> listener) {
    tcp::acceptor& acceptor = listener->acceptor();
    asio::steady_timer pause(acceptor.get_executor());
    bool is_short = false;
    while (acceptor.is_open()) {
        error_code error;
        co_await acceptor.async_wait(tcp::acceptor::wait_read,
                                     asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::operation_aborted || !acceptor.is_open()) co_return;
        int number = core->accept_all(*listener);
        if (number == 0) {
            is_short = false;
            continue;
        }
        // Descriptors come back when connections end; the queue of the kernel holds who waits.
        if (!std::exchange(is_short, true))
            log_warning("http_accept_paused",
                        {{"listen", listener->address()}, {"error", std::strerror(number)}});
        pause.expires_after(accept_pause);
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
}

int HttpServer::Core::accept_all(Listener& listener) {
    auto protocol = tcp::v4();
    error_code error;
    if (auto endpoint = listener.acceptor().local_endpoint(error); !error)
        protocol = endpoint.protocol();
    for (;;) {
        UniqueFd fd(::accept4(
            listener.acceptor().native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (fd.is_open()) {
            begin(std::move(fd), protocol);
            continue;
        }
        if (errno == EAGAIN) return 0;
        if (is_shortage(errno)) return errno;
        // What else accept(2) reports was this one client's connection breaking; the next may be
        // whole.
        if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO && errno != EPERM)
            return errno;
    }
}

void HttpServer::Core::begin(UniqueFd fd, const tcp& protocol) {
    auto limits = options.get()->limits;
    bool is_refused = false;
    {
        std::lock_guard lock(mutex);
        if (is_stopping) return;
        is_refused = !make_room(limits.connections);
        if (is_refused && refusals >= refusals_max) return refuse_at_once(fd.get());
    }
    tcp::socket socket{front_end.next()};
    error_code error;
    socket.assign(protocol, fd.get(), error);
    if (error) return;
    (void)fd.release();
    auto session = std::make_shared<Session>(std::move(socket), limits, untaken);
    {
        std::lock_guard lock(mutex);
        if (is_stopping) return;
        if (is_refused)
            ++refusals;
        else
            sessions.emplace(session.get(), Entry{session});
    }
    is_refused ? refuse(session) : serve(session);
}

/// More than one has to leave where one that was asked before stayed.
bool HttpServer::Core::make_room(std::size_t connections) {
    while (sessions.size() - leaving >= connections)
        if (!make_one_leave()) return false;
    return true;
}

bool HttpServer::Core::make_one_leave() {
    if (leaving >= leaving_max) return false;
    Entry* chosen = nullptr;
    std::shared_ptr<Session> leaver;
    Session::Spare best;
    for (auto& [key, entry] : sessions) {
        auto session = entry.is_leaving ? nullptr : entry.session.lock();
        if (!session) continue;
        auto spare = session->spare();
        if (spare.kind < best.kind || spare.kind == Session::Spare::Kind::no) continue;
        if (spare.kind == best.kind && spare.since >= best.since) continue;
        best = spare;
        chosen = &entry;
        leaver = std::move(session);
    }
    if (chosen == nullptr) return false;
    chosen->is_leaving = true;
    ++leaving;
    leaver->leave([core = weak_from_this(), key = leaver.get()] {
        auto self = core.lock();
        if (!self) return;
        std::lock_guard lock(self->mutex);
        auto entry = self->sessions.find(key);
        if (entry == self->sessions.end() || !std::exchange(entry->second.is_leaving, false))
            return;
        --self->leaving;
    });
    return true;
}

void HttpServer::Core::serve(const std::shared_ptr<Session>& session) {
    auto current = [core = shared_from_this()] { return core->options.get(); };
    asio::co_spawn(session->executor(),
                   serve_connection(session, service, std::move(current)),
                   [core = shared_from_this(), session](const std::exception_ptr& failure) {
                       log_failure(failure);
                       if (failure) session->close();
                       core->ended(session.get());
                   });
}

void HttpServer::Core::refuse(const std::shared_ptr<Session>& session) {
    asio::co_spawn(session->executor(),
                   refuse_connection(session),
                   [core = shared_from_this()](const std::exception_ptr& failure) {
                       log_failure(failure);
                       std::lock_guard lock(core->mutex);
                       --core->refusals;
                   });
}

void HttpServer::Core::ended(Session* session) {
    bool is_last = false;
    {
        std::lock_guard lock(mutex);
        auto entry = sessions.find(session);
        if (entry != sessions.end()) {
            leaving -= entry->second.is_leaving ? 1 : 0;
            sessions.erase(entry);
        }
        is_last = is_stopping && sessions.empty();
    }
    if (is_last) finish_stop();
}

void HttpServer::Core::close_all() {
    std::lock_guard lock(mutex);
    for (auto& [key, entry] : sessions)
        if (auto session = entry.session.lock()) session->close();
}

bool HttpServer::Core::is_stopped() {
    std::lock_guard lock(mutex);
    return !stopped;
}

void HttpServer::Core::finish_stop() {
    UniqueFunction<void()> call;
    {
        std::lock_guard lock(mutex);
        call = std::exchange(stopped, {});
    }
    if (!call) return;
    asio::post(timer.get_executor(), [core = shared_from_this()] { core->timer.cancel(); });
    call();
}

void HttpServer::Core::close_listeners() {
    for (auto& listener : listeners)
        asio::post(listener->acceptor().get_executor(), [listener] {
            error_code ignored;
            listener->acceptor().close(ignored);
        });
}

HttpServer::HttpServer(LoopPool& front_end, Service& service, HttpOptions options)
    : core_(std::make_shared<Core>(front_end, service, std::move(options))) {}

HttpServer::~HttpServer() {
    {
        std::lock_guard lock(core_->mutex);
        core_->is_stopping = true;
        core_->stopped = {};
    }
    core_->close_listeners();
    core_->close_all();
}

void HttpServer::serve(Listeners listeners) {
    for (auto& listener : listeners)
        core_->listeners.emplace_back(std::move(listener));
    for (auto& listener : core_->listeners)
        asio::co_spawn(listener->acceptor().get_executor(),
                       Core::accept(core_, listener),
                       [address = listener->address()](const std::exception_ptr& failure) {
                           if (!failure) return;
                           // Without its accept loop the daemon would live on, unreachable: end it
                           // instead.
                           log_error("http_accept_failed", {{"listen", address}});
                           std::rethrow_exception(failure);
                       });
}

void HttpServer::set_options(HttpOptions options) {
    core_->options.set(std::make_shared<const HttpOptions>(std::move(options)));
}

void HttpServer::stop(Duration grace, UniqueFunction<void()> stopped) {
    core_->close_listeners();
    bool is_idle = false;
    {
        std::lock_guard lock(core_->mutex);
        core_->is_stopping = true;
        core_->stopped = std::move(stopped);
        is_idle = core_->sessions.empty();
        for (auto& [key, entry] : core_->sessions)
            if (auto session = entry.session.lock()) session->stop();
    }
    asio::post(core_->timer.get_executor(), [core = core_, grace, is_idle] {
        if (is_idle) core->finish_stop();
        if (core->is_stopped()) return;
        core->timer.expires_after(grace);
        core->timer.async_wait([core](error_code error) {
            if (error) return;
            core->close_all();
            core->timer.expires_after(unwinding_time);
            core->timer.async_wait([core](error_code aborted) {
                if (!aborted) core->finish_stop();
            });
        });
    });
}

}  // namespace scheduler
