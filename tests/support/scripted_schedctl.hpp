#pragma once
/// What the tests of schedctl against a scripted daemon share: answers, and the call itself.

#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/json.hpp"
#include "common/operations.hpp"
#include "tests/support/program.hpp"
#include "tests/support/scripted_daemon.hpp"

namespace scheduler::testing {

inline const std::string id_42 = "0197d2c0a5b37a1e8c00112233445566";

inline Job make_job() {
    Job job;
    job.id = JobId::parse(id_42).value();
    job.number = 42;
    job.job_name = "alpine:3.20";
    job.scheduled_in = "20-06-2027 17:00:00";
    job.scheduled_to = "20-06-2027 20:00:00";
    auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    job.created_at = Instant{now};
    job.due_at = Instant{now + std::chrono::hours(3)};
    return job;
}

inline Job make_ended(FinishStatus finish, std::optional<std::int64_t> exit_code = std::nullopt) {
    Job job = make_job();
    job.status = status_of(finish);
    job.finish_status = finish;
    job.exit_code = exit_code;
    job.finished_at = job.due_at;
    job.finish_date = job.scheduled_to;
    return job;
}

inline std::string added(const Job& job) {
    AddResponse response;
    response.message = fmt::format(
        "job {} with id {} will be scheduled to run in 3h", job.job_name, job.id.to_string());
    response.id = job.id;
    response.job = job;
    response.zone = "Europe/Lisbon";
    return encode(response);
}

inline const Error not_found{ErrorCode::job_not_found, "job with id 7 not found"};

inline ProgramResult schedctl(const ScriptedDaemon& daemon,
                              std::vector<std::string> words,
                              ProgramOptions options = {}) {
    words.insert(words.begin(), SCHEDCTL_PATH);
    options.environment["SCHEDULERD_SOCKET"] = daemon.path();
    return run_program(words, options);
}

/// Answers each method with the same text.
inline ScriptedDaemon::Script answers(std::map<std::string, std::string> by_method) {
    return [by_method](DaemonSession& session, const DaemonCall& call) {
        auto found = by_method.find(call.method);
        if (found == by_method.end())
            session.error(call, not_found);
        else
            session.result(call, found->second);
    };
}

inline std::string list_of(std::vector<Job> jobs, bool more = false) {
    ListResponse response;
    if (more) response.next = ListPlace{jobs.back().id, std::nullopt};
    response.jobs = std::move(jobs);
    return encode(response);
}

inline std::string chunk(LogStream stream, std::string_view bytes, std::string place = "1.0") {
    LogChunk item;
    item.place = place;
    item.stream = stream;
    item.data.bytes = bytes;
    return encode(item);
}

inline bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// The value of a string field in a request line.
inline std::string field(const std::string& line, const std::string& name) {
    auto at = line.find('"' + name + "\":\"");
    if (at == std::string::npos) return "";
    at += name.size() + 4;
    return line.substr(at, line.find('"', at) - at);
}

}  // namespace scheduler::testing
