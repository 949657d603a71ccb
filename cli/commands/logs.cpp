#include "common/requests/logs.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/each_job.hpp"
#include "cli/moment.hpp"
#include "cli/output/line_filter.hpp"
#include "cli/waiting.hpp"
#include "common/json.hpp"
#include "common/requests/list.hpp"

namespace scheduler {
namespace {

constexpr std::int64_t jobs_of_a_name = 100;

class LogsCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.flag("-f,--follow", follow_, "wait for the start, and end with the job");
        options.number("--tail", "N", tail_, 0, "only the last N lines");
        options.value("--since",
                      "TIME",
                      since_,
                      "only what came then or later: 10m (ago), 20:00 (the last one), a date");
        options.flag("--timestamps", timestamps_, "a time (RFC 3339) before each line");
        options.value(
            "--stream", "NAME", stream_, "only this one: stdout or stderr", Completes::stream);
        options.number("--attempt", "N", attempt_, 1, "of this attempt alone, not of the last one");
        options.value("--grep",
                      "PATTERN",
                      grep_,
                      "only lines that match, as grep -E; exit code 1 when none does");
        options.value("--name",
                      "NAME",
                      name_,
                      "instead of an ID: of the jobs of this name, with a job's number before "
                      "each line",
                      Completes::job_name);
        options.number("-n,--limit", "COUNT", limit_, 1, "of its newest so many jobs; 100");
        options.words({.metavar = "ID",
                       .count_min = 0,
                       .count_max = 1,
                       .completes = Completes::started_job,
                       .target = &ids_});
    }

    int run(Context& context) override {
        auto request = make_request();
        if (request && grep_) {
            auto pattern = LinePattern::parse(*grep_);
            if (pattern)
                pattern_ = *std::move(pattern);
            else
                request = fail(pattern.error());
        }
        if (!request) {
            context.console.report(request.error());
            return exit_usage;
        }
        int exit_code = name_ ? read_all(context, *request)
                              : for_each_job(context, ids_, [&](const JobRef& id) {
                                    request->job_id = id;
                                    return read_one(context, *request, "");
                                });
        return exit_code == exit_done && grep_ && !has_matched_ ? exit_refused : exit_code;
    }

  private:
    Result<LogsRequest> make_request() const {
        auto wrong = [](const char* what) { return fail(ErrorCode::bad_request, what); };
        if (name_.has_value() != ids_.empty())
            return wrong(name_ ? "an ID and --name are both given; give one of them"
                               : "the ID of a job is missing; give one, or --name NAME");
        if (name_ && (follow_ || attempt_))
            return wrong("--follow and --attempt are for one job; give its ID instead of --name");
        if (limit_ && !name_) return wrong("--limit is for --name; leave it out");
        LogsRequest request;
        request.follow = follow_;
        request.tail = tail_;
        request.attempt = attempt_;
        request.timestamps = timestamps_;
        auto since = since_option("--since", since_, wall_now());
        if (!since) return fail(since.error());
        request.since = *since;
        if (stream_) {
            auto stream = parse_log_stream(*stream_);
            if (!stream) return fail(stream.error());
            request.stream = *stream;
        }
        return request;
    }

    /// As it is, or by lines.
    CallResult<Done> read_one(Context& context, LogsRequest request, const std::string& number) {
        if (!grep_ && number.empty()) return print_output(context, std::move(request));
        bool is_json = context.console.json();
        LineFilter filter(pattern_,
                          is_json || number.empty() ? "" : number + ": ",
                          [&](LogStream stream, std::string line) {
                              print_line(context.console, number, stream, std::move(line));
                          });
        auto read =
            read_output(context, std::move(request), [&](const LogChunk& chunk, std::string_view) {
                filter.add(chunk.stream, chunk.data.bytes);
            });
        filter.finish();
        has_matched_ = has_matched_ || filter.has_any();
        return read;
    }

    static void print_line(Console& console,
                           const std::string& number,
                           LogStream stream,
                           std::string line) {
        if (!console.json()) return print_to(console, stream, line);
        LogChunk chunk;
        chunk.stream = stream;
        chunk.data.bytes = std::move(line);
        std::string json = encode(chunk);
        std::string begin = number.empty() ? "{" : fmt::format("{{\"number\":{},", number);
        console.print(begin + json.substr(1) + '\n');
    }

    /// The jobs' outputs, the oldest job first. One whose output is gone does not hide the others.
    int read_all(Context& context, LogsRequest request) {
        auto jobs = newest_jobs(context, request.since);
        if (!jobs) {
            context.console.report(jobs.error());
            return exit_code_of(jobs.error());
        }
        for (const Job& job : *jobs) {
            request.job_id = JobRef{job.id.to_string()};
            auto read = read_one(context, request, std::to_string(job.number));
            if (!context.console.is_ok()) return exit_broken_pipe;
            if (read) continue;
            if (read.error().kind != CallError::Kind::refused) {
                context.console.report(read.error());
                return exit_code_of(read.error());
            }
            context.console.note(read.error().error.message);
        }
        return exit_done;
    }

    /// Of those that run or have run, by number. What ended before `since` printed nothing since.
    CallResult<std::vector<Job>> newest_jobs(Context& context,
                                             const std::optional<std::string>& since) const {
        const std::int64_t count = limit_.value_or(jobs_of_a_name);
        std::vector<Job> jobs;
        for (JobStatus status : {JobStatus::running, JobStatus::finished}) {
            ListRequest list;
            list.job_name = *name_;
            list.status = {status};
            if (status == JobStatus::finished) list.since = since;
            do {
                std::int64_t left = count - std::ssize(jobs);
                if (left <= 0) break;
                list.limit = std::min(left, ListRequest::limit_max);
                auto page = context.client.call(list);
                if (!page) return fail(std::move(page).error());
                std::move(
                    page->value.jobs.begin(), page->value.jobs.end(), std::back_inserter(jobs));
                list.after = page->value.next;
            } while (list.after);
        }
        std::sort(jobs.begin(), jobs.end(), [](const Job& left, const Job& right) {
            return left.number < right.number;
        });
        return jobs;
    }

    bool follow_ = false;
    bool timestamps_ = false;
    std::optional<std::int64_t> tail_;
    std::optional<std::int64_t> attempt_;
    std::optional<std::string> since_;
    std::optional<std::string> stream_;
    std::optional<std::string> grep_;
    std::optional<std::string> name_;
    std::optional<std::int64_t> limit_;
    std::vector<std::string> ids_;
    std::optional<LinePattern> pattern_;
    bool has_matched_ = false;
};

}  // namespace

std::unique_ptr<Command> make_logs() {
    return std::make_unique<LogsCommand>();
}

}  // namespace scheduler
