#include "cli/waiting.hpp"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/output/job_text.hpp"
#include "common/requests/wait.hpp"

namespace scheduler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto pause_between_attempts = milliseconds(100);

/// What a daemon says that is stopping, starting or overrun.
bool may_pass(const CallError& error) {
    return error.is(ErrorCode::unavailable) || error.is(ErrorCode::busy);
}

/// The longest wait that one request may ask for, or what is left until the deadline.
Span next_wait(const Client& client) {
    if (!client.deadline()) return Span{WaitRequest::wait_max};
    auto left = std::chrono::ceil<seconds>(*client.deadline() - Client::Clock::now());
    return Span{std::clamp<Duration>(left, seconds(1), WaitRequest::wait_max)};
}

}  // namespace

CallResult<Done> Persistence::after(CallError error) {
    if (error.kind != CallError::Kind::lost && !may_pass(error)) return fail(std::move(error));
    auto now = Client::Clock::now();
    bool had_worked = now - last_attempt_ >= seconds(1);
    if (!end_)
        context_.console.note(fmt::format(
            "{}; trying again for {} s", error.error.message, reconnect_patience.count()));
    if (!end_ || had_worked) end_ = now + reconnect_patience;
    if (now >= *end_) return fail(std::move(error));
    std::this_thread::sleep_for(pause_between_attempts);
    auto left = std::chrono::duration_cast<milliseconds>(*end_ - now);
    auto connected = context_.client.reconnect(left);
    last_attempt_ = Client::Clock::now();
    if (connected || connected.error().kind != CallError::Kind::unreachable) return connected;
    CallError gone = std::move(connected).error();
    gone.kind = CallError::Kind::lost;
    gone.error.message = fmt::format(
        "the daemon was not back after {} s; {}", reconnect_patience.count(), gone.error.message);
    return fail(std::move(gone));
}

CallResult<Answer<Job>> wait_until_ended(Context& context, JobId id) {
    for (;;) {
        auto answer = persist(context, [&] {
            WaitRequest request{JobRef{id.to_string()}, next_wait(context.client)};
            return context.client.call(request);
        });
        if (!answer || has_ended(answer->value.status)) return answer;
    }
}

void print_to(Console& console, LogStream stream, std::string_view text) {
    if (stream == LogStream::out)
        console.print(text);
    else
        console.print_to_stderr(text);
}

CallResult<Done> read_output(Context& context, LogsRequest request, const OutputSink& sink) {
    auto attempt = [&] {
        return context.client.stream(request, [&](const LogChunk& chunk, std::string_view json) {
            // Where the next connection goes on. The copy there may hold less than we printed.
            request.after = chunk.place;
            if (chunk.place) request.tail.reset();
            sink(chunk, json);
            return context.console.is_ok();
        });
    };
    return request.follow ? persist(context, attempt) : attempt();
}

CallResult<Done> print_output(Context& context, LogsRequest request) {
    return read_output(
        context, std::move(request), [&](const LogChunk& chunk, std::string_view json) {
            if (context.console.json())
                context.console.print(std::string(json) + '\n');
            else
                print_to(context.console, chunk.stream, chunk.data.bytes);
        });
}

std::string how_to_go_on(std::string_view job) {
    return fmt::format(
        "\nJob {0} goes on: `schedctl wait {0}` waits for it again, `schedctl logs -f {0}` follows "
        "its output.",
        job);
}

int wait_and_tell(Context& context, const Job& job, bool follow) {
    InterruptWatch interrupt;
    context.client.set_interrupt(interrupt.fd());
    CallResult<Done> followed = Done{};
    if (follow) {
        LogsRequest request;
        request.job_id = JobRef{job.id.to_string()};
        request.follow = true;
        followed = print_output(context, request);
    }
    // Output that can't be had (any more) is no reason not to say how the job ended.
    bool can_wait = followed || followed.error().kind == CallError::Kind::refused;
    if (!followed && can_wait) context.console.report(followed.error());
    if (!context.console.is_ok()) return exit_broken_pipe;
    auto ended = can_wait ? wait_until_ended(context, job.id)
                          : CallResult<Answer<Job>>(fail(std::move(followed).error()));
    context.client.set_interrupt(-1);
    if (ended) {
        std::string line = context.console.json() ? ended->json + '\n' : "";
        if (follow)
            context.console.print_to_stderr(line);  // standard output is the job's alone
        else
            context.console.print(line);
        if (ended->value.finish_status != FinishStatus::success)
            context.console.note(outcome_sentence(ended->value));
        return exit_code_of(ended->value);
    }
    if (ended.error().kind == CallError::Kind::interrupted) {
        context.console.note(fmt::format(
            "stopped waiting; job {0} goes on (schedctl wait {0}, schedctl kill {0})", job.number));
        return exit_interrupted;
    }
    if (ended.error().kind == CallError::Kind::lost)
        ended.error().error.message += how_to_go_on(std::to_string(job.number));
    context.console.report(ended.error());
    return exit_no_code;
}

}  // namespace scheduler
