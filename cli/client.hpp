#pragma once
/// Client speaks JSON lines with the daemon over a Unix socket, one call at a time, blocking.
/// Owns its connection, which is opened by the first call. One thread.
/// A call can be ended from outside by a descriptor that becomes readable (Ctrl-C) or by a
/// deadline; the connection is then closed, since its answer would come late. A daemon that hangs
/// ends it too, unless the request is one that takes long (`Request::takes_long`) or a stream.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.hpp"
#include "common/result.hpp"
#include "common/rpc.hpp"
#include "common/unique_fd.hpp"

namespace scheduler {

/// Why a call has no answer.
struct CallError {
    enum class Kind {
        refused,      ///< the daemon said no
        unreachable,  ///< no daemon was there to begin with
        lost,         ///< the connection broke, or its answer can't be read
        interrupted,  ///< by the interrupt descriptor
        too_late,     ///< by the deadline
        silent,       ///< there is a daemon, and it has not answered for Client::silence_max
    };
    Kind kind = Kind::refused;
    Error error;
    std::string json;  ///< the daemon's own error object; empty for errors of ours

    [[nodiscard]] bool is(ErrorCode code) const {
        return kind == Kind::refused && error.code == code;
    }
};

/// schedctl's exit code for it.
int exit_code_of(const CallError& error);

/// An answer as a value, and as the daemon wrote it (for `--json`).
template <class T>
struct Answer {
    T value;
    std::string json;
};

template <class T>
using CallResult = Result<T, CallError>;

class Client {
  public:
    using Clock = std::chrono::steady_clock;
    /// After so long without a word from the daemon it is said; after so long the call ends.
    static constexpr auto silence_noted = std::chrono::seconds(3);
    static constexpr auto silence_max = std::chrono::seconds(10);

    /// `paths` are tried in order; the first that accepts is kept for good, so that a connection
    /// that breaks is never taken up with another daemon.
    explicit Client(std::vector<std::string> paths) : paths_(std::move(paths)) {}

    /// Calls end with Kind::interrupted once `fd` is readable. The caller keeps it open; -1: none.
    void set_interrupt(int fd) { interrupt_ = fd; }
    /// Calls end with Kind::too_late at this time.
    void set_deadline(std::optional<Clock::time_point> deadline) { deadline_ = deadline; }
    [[nodiscard]] std::optional<Clock::time_point> deadline() const { return deadline_; }

    /// Told once a call, in a sentence, while the daemon lets it wait.
    void set_on_silence(std::function<void(std::string_view)> told) {
        on_silence_ = std::move(told);
    }

    template <class Request>
    CallResult<Answer<typename Request::Response>> call(const Request& request) {
        constexpr bool takes_long = requires {
            requires Request::takes_long;
        };
        expect_answer(takes_long ? std::nullopt : std::optional(Clock::now()));
        auto json = call_text(Request::method, encode(request));
        if (!json) return fail(std::move(json).error());
        auto value = decode<typename Request::Response>(*json);
        if (!value) return fail(unreadable(value.error()));
        return Answer<typename Request::Response>{*std::move(value), *std::move(json)};
    }

    /// `each` gets every item and its JSON text, and returns false to have no more of them.
    template <class Request>
    CallResult<Done> stream(
        const Request& request,
        const std::function<bool(const typename Request::Item&, std::string_view)>& each) {
        std::optional<Error> bad_item;
        expect_answer(std::nullopt);
        auto result = stream_text(Request::method, encode(request), [&](std::string_view json) {
            auto item = decode<typename Request::Item>(json);
            if (!item) bad_item = std::move(item).error();
            return item && each(*item, json);
        });
        if (bad_item) return fail(unreadable(*bad_item));
        return result;
    }

    /// After a connection was lost: tries the same path until it answers or `patience` is over.
    CallResult<Done> reconnect(std::chrono::milliseconds patience);

  private:
    CallResult<std::string> call_text(std::string_view method, std::string_view params);
    CallResult<Done> stream_text(std::string_view method,
                                 std::string_view params,
                                 const std::function<bool(std::string_view)>& each);

    /// `since`: when silence begins to count; nothing: it is no sign of trouble.
    void expect_answer(std::optional<Clock::time_point> since) {
        silent_since_ = since;
        silence_told_ = false;
    }
    CallResult<Done> connect();
    CallResult<Done> send_call(std::string_view method, std::string_view params);
    CallResult<RpcReply> read_reply();
    CallResult<std::string> read_line();
    CallResult<Done> wait_until_readable();
    CallResult<Done> read_more();
    CallError broken(int error);
    CallError silent();
    CallError give_up(CallError::Kind kind, ErrorCode code, std::string message);
    static CallError unreadable(const Error& error);

    std::vector<std::string> paths_;
    int interrupt_ = -1;
    std::optional<Clock::time_point> deadline_;
    std::optional<Clock::time_point> silent_since_;
    bool silence_told_ = false;
    std::function<void(std::string_view)> on_silence_;
    UniqueFd socket_;
    std::string received_;  ///< what came after the last line
    std::int64_t last_id_ = 0;
};

}  // namespace scheduler
