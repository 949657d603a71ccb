#pragma once
/// Waiting for jobs in a way that survives a restart of the daemon: a connection that breaks is
/// taken up again for up to `reconnect_patience`, and the question is asked once more.

#include <chrono>
#include <functional>
#include <optional>

#include "cli/command.hpp"
#include "common/job.hpp"
#include "common/requests/logs.hpp"

namespace scheduler {

inline constexpr auto reconnect_patience = std::chrono::seconds(30);

/// Follows one series of attempts to get an answer, and says whether another makes sense.
class Persistence {
  public:
    explicit Persistence(Context& context) : context_(context) {}

    /// Done when the call should be made again; else the error to end with. A refusal is final,
    /// unless it is of a daemon that is stopping, starting or overrun.
    CallResult<Done> after(CallError error);

  private:
    Context& context_;
    std::optional<Client::Clock::time_point> end_;  ///< of the patience; set by the first break
    Client::Clock::time_point last_attempt_ = Client::Clock::now();
};

/// `attempt()` until it has an answer or persistence is over. It must be harmless to repeat.
template <class Attempt>
auto persist(Context& context, Attempt attempt) -> decltype(attempt()) {
    Persistence persistence(context);
    for (;;) {
        auto result = attempt();
        if (result) return result;
        if (auto again = persistence.after(std::move(result).error()); !again)
            return fail(std::move(again).error());
    }
}

/// The job, once it has ended. Errors: those of wait; Kind::too_late at the client's deadline.
CallResult<Answer<Job>> wait_until_ended(Context& context, JobId id);

/// A job's output goes where the job wrote it.
void print_to(Console& console, LogStream stream, std::string_view text);

/// Takes a piece of output; `json`: as the daemon sent it.
using OutputSink = std::function<void(const LogChunk& chunk, std::string_view json)>;

/// Gives a job's output to `sink`, each piece once, however often the connection breaks meanwhile.
CallResult<Done> read_output(Context& context, LogsRequest request, const OutputSink& sink);

/// The same to standard output and standard error.
CallResult<Done> print_output(Context& context, LogsRequest request);

/// What to do about a job, by its number, when the daemon went away for good: it is not harmed.
std::string how_to_go_on(std::string_view job);

/// Waits, says how it ended unless it is a success, and gives the job's exit code. An interrupt
/// ends the waiting with a word about the job. `follow`: with its output.
int wait_and_tell(Context& context, const Job& job, bool follow);

}  // namespace scheduler
