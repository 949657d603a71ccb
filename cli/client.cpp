#include "cli/client.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <poll.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "cli/connect.hpp"
#include "cli/exit_code.hpp"

namespace scheduler {
namespace {

constexpr std::size_t read_bytes = 64 * 1024;
/// A page of 1000 jobs is far below this; more is not our daemon.
constexpr std::size_t answer_bytes_max = 64 * 1024 * 1024;
constexpr auto reconnect_pause = std::chrono::milliseconds(100);

enum class Wake { ready, interrupted, deadline };

/// Waits until `fd` has something to read (fd -1: only for the interrupt or the deadline).
Wake wait_for(int fd, int interrupt, std::optional<Client::Clock::time_point> deadline) {
    using std::chrono::milliseconds;
    for (;;) {
        std::array<pollfd, 2> watched{pollfd{fd, POLLIN, 0}, pollfd{interrupt, POLLIN, 0}};
        int timeout = -1;
        if (deadline) {
            auto left = std::chrono::ceil<milliseconds>(*deadline - Client::Clock::now());
            if (left <= milliseconds(0)) return Wake::deadline;
            timeout = static_cast<int>(std::min(left, milliseconds(std::chrono::hours(1))).count());
        }
        int ready = ::poll(watched.data(), watched.size(), timeout);
        if (ready <= 0) continue;  // EINTR, or the time is over: looked at above
        if (watched[1].revents != 0) return Wake::interrupted;
        return Wake::ready;
    }
}

}  // namespace

int exit_code_of(const CallError& error) {
    switch (error.kind) {
        case CallError::Kind::refused:
            return facts(error.error.code).exit_code;
        case CallError::Kind::interrupted:
            return exit_interrupted;
        case CallError::Kind::unreachable:
        case CallError::Kind::lost:
        case CallError::Kind::too_late:
        case CallError::Kind::silent:
            return exit_unreachable;
    }
    return exit_refused;
}

CallError Client::give_up(CallError::Kind kind, ErrorCode code, std::string message) {
    socket_.reset();
    received_.clear();
    return CallError{kind, Error{code, std::move(message)}, ""};
}

CallError Client::unreadable(const Error& error) {
    return CallError{
        CallError::Kind::refused,
        Error{ErrorCode::internal,
              fmt::format("the daemon's answer can't be read ({}); is it another version? "
                          "`schedctl --version`, `schedulerd --version`",
                          error.message)},
        ""};
}

CallResult<Done> Client::connect() {
    if (socket_.is_open()) return Done{};
    std::vector<ConnectFailure> failures;
    for (const std::string& path : paths_) {
        auto connected = connect_unix(path);
        if (connected) {
            socket_ = *std::move(connected);
            paths_ = std::vector<std::string>{path};
            return Done{};
        }
        failures.push_back(std::move(connected).error());
    }
    return fail(give_up(
        CallError::Kind::unreachable, ErrorCode::unavailable, explain_unreachable(failures)));
}

CallResult<Done> Client::reconnect(std::chrono::milliseconds patience) {
    auto end = Clock::now() + patience;
    if (deadline_) end = std::min(end, *deadline_);
    for (;;) {
        auto connected = connect();
        if (connected) return Done{};
        auto next = Clock::now() + reconnect_pause;
        if (next >= end) return connected;
        if (wait_for(-1, interrupt_, next) == Wake::interrupted)
            return fail(
                give_up(CallError::Kind::interrupted, ErrorCode::unavailable, "interrupted"));
    }
}

CallResult<Done> Client::send_call(std::string_view method, std::string_view params) {
    if (auto connected = connect(); !connected) return connected;
    std::string line = encode_call(++last_id_, method, params);
    std::string_view left = line;
    while (!left.empty()) {
        auto sent = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
        if (sent >= 0)
            left.remove_prefix(static_cast<std::size_t>(sent));
        else if (errno == EAGAIN)  // connect_unix set a limit
            return fail(silent());
        else if (errno != EINTR)
            return fail(broken(errno));
    }
    return Done{};
}

CallError Client::broken(int error) {
    return give_up(CallError::Kind::lost,
                   ErrorCode::unavailable,
                   fmt::format("the connection to the daemon broke: {}",
                               std::generic_category().message(error)));
}

CallError Client::silent() {
    return give_up(
        CallError::Kind::silent,
        ErrorCode::unavailable,
        fmt::format(
            "the daemon at {} has not answered for {} s: it hangs, is stopped, or waits for "
            "its disk.\nIts log says more (journalctl -u schedulerd). It may be restarted "
            "(systemctl restart schedulerd): jobs are kept, and what runs goes on.",
            paths_.front(),
            silence_max.count()));
}

CallResult<Done> Client::wait_until_readable() {
    for (;;) {
        auto end = deadline_;
        bool for_silence = false;
        if (silent_since_) {
            auto silence_end = *silent_since_ + (silence_told_ ? silence_max : silence_noted);
            for_silence = !end || silence_end < *end;
            if (for_silence) end = silence_end;
        }
        switch (wait_for(socket_.get(), interrupt_, end)) {
            case Wake::ready:
                return Done{};
            case Wake::interrupted:
                return fail(
                    give_up(CallError::Kind::interrupted, ErrorCode::unavailable, "interrupted"));
            case Wake::deadline:
                break;
        }
        if (!for_silence)
            return fail(give_up(CallError::Kind::too_late,
                                ErrorCode::unavailable,
                                "the daemon did not answer in time"));
        if (silence_told_) return fail(silent());
        silence_told_ = true;
        if (on_silence_)
            on_silence_(fmt::format("the daemon has not answered for {} s; waiting {} s at most",
                                    silence_noted.count(),
                                    silence_max.count()));
    }
}

CallResult<Done> Client::read_more() {
    if (auto readable = wait_until_readable(); !readable) return readable;
    // On the stack, where only what arrives is touched: most answers fit a page.
    std::array<char, read_bytes> bytes;
    auto count = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    int error = errno;
    received_.append(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count > 0 && silent_since_) silent_since_ = Clock::now();
    if (count > 0 || (count < 0 && error == EINTR)) return Done{};
    if (count < 0) return fail(broken(error));
    return fail(
        give_up(CallError::Kind::lost, ErrorCode::unavailable, "the daemon closed the connection"));
}

CallResult<std::string> Client::read_line() {
    std::size_t searched = 0;
    for (;;) {
        auto newline = received_.find('\n', searched);
        if (newline != std::string::npos) {
            std::string line = received_.substr(0, newline);
            received_.erase(0, newline + 1);
            return line;
        }
        searched = received_.size();
        if (searched > answer_bytes_max)
            return fail(give_up(CallError::Kind::refused,
                                ErrorCode::internal,
                                fmt::format("{} answers with an endless line; it is not schedulerd",
                                            paths_.front())));
        if (auto more = read_more(); !more) return fail(std::move(more).error());
    }
}

CallResult<RpcReply> Client::read_reply() {
    auto line = read_line();
    if (!line) return fail(std::move(line).error());
    auto reply = parse_reply(*line);
    if (!reply) {
        auto error = unreadable(reply.error());
        return fail(give_up(error.kind, error.error.code, error.error.message));
    }
    if (reply->kind == RpcReply::Kind::error)
        return fail(CallError{CallError::Kind::refused, reply->error, reply->error_json});
    return *std::move(reply);
}

CallResult<std::string> Client::call_text(std::string_view method, std::string_view params) {
    if (auto sent = send_call(method, params); !sent) return fail(std::move(sent).error());
    auto reply = read_reply();
    if (!reply) return fail(std::move(reply).error());
    return std::move(reply->content);
}

CallResult<Done> Client::stream_text(std::string_view method,
                                     std::string_view params,
                                     const std::function<bool(std::string_view)>& each) {
    if (auto sent = send_call(method, params); !sent) return sent;
    for (;;) {
        auto reply = read_reply();
        if (!reply) return fail(std::move(reply).error());
        if (reply->kind != RpcReply::Kind::item) return Done{};
        if (!each(reply->content)) {
            // What is still on its way belongs to nobody: the next call opens a new connection.
            socket_.reset();
            received_.clear();
            return Done{};
        }
    }
}

}  // namespace scheduler
