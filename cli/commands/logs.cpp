#include "common/requests/logs.hpp"

#include <map>
#include <utility>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/each_job.hpp"
#include "cli/moment.hpp"
#include "cli/output/line_filter.hpp"
#include "cli/output/text.hpp"
#include "cli/waiting.hpp"
#include "common/json.hpp"
#include "common/requests/list.hpp"

namespace scheduler {
namespace {

constexpr std::int64_t jobs_of_a_name = 100;

/// `2` of `2:1764040611218000000.12`; empty for the first attempt, which has no number there.
std::string attempt_of_place(const std::string& place) {
    auto colon = place.find(':');
    return colon == std::string::npos ? "" : place.substr(0, colon);
}

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
                          timestamps_,
                          is_json || number.empty() ? "" : number + ": ",
                          [&](LogStream stream, std::string line) {
                              print_line(context.console, number, stream, std::move(line));
                          });
        std::string attempt;
        auto read =
            read_output(context, std::move(request), [&](const LogChunk& chunk, std::string_view) {
                // A line that an attempt did not end is none of the next one's.
                std::string next = attempt_of_place(chunk.place.value_or(""));
                if (std::exchange(attempt, next) != next) filter.finish();
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

    /// The jobs' outputs, the oldest job first. One that can't be read does not hide the others,
    /// and one that was removed to keep all within a limit is no failure.
    int read_all(Context& context, LogsRequest request) {
        auto jobs = newest_jobs(context, request.since);
        if (!jobs) {
            context.console.report(jobs.error());
            return exit_code_of(jobs.error());
        }
        if (jobs->empty())
            context.console.note(fmt::format("no job of the name {} has run", escape_text(*name_)));
        int exit_code = exit_done;
        for (const Found& job : *jobs) {
            request.job_id = JobRef{job.id.to_string()};
            auto read = read_one(context, request, std::to_string(job.number));
            if (!context.console.is_ok()) return exit_broken_pipe;
            if (read) continue;
            context.console.report(read.error());
            if (read.error().kind != CallError::Kind::refused) return exit_code_of(read.error());
            if (!read.error().is(ErrorCode::gone)) exit_code = exit_refused;
        }
        return exit_code;
    }

    struct Found {
        std::int64_t number = 0;
        JobId id;
    };

    /// Of those that run, and those that ended last after they had run; by number. What ended
    /// before `since` printed nothing since.
    CallResult<std::vector<Found>> newest_jobs(Context& context,
                                               const std::optional<std::string>& since) const {
        ListRequest running;
        running.status = {JobStatus::running};
        ListRequest ended;
        ended.status = {JobStatus::finished, JobStatus::canceled};
        ended.since = since;
        std::map<std::int64_t, JobId> found;  // one that ends meanwhile is met twice
        const auto count = static_cast<std::size_t>(limit_.value_or(jobs_of_a_name));
        bool has_more = false;
        for (ListRequest* list : {&running, &ended}) {
            list->job_name = *name_;
            list->limit = ListRequest::limit_max;
            do {
                auto page = context.client.call(*list);
                if (!page) return fail(std::move(page).error());
                for (const Job& job : page->value.jobs) {
                    bool is_one_more = job.attempt && (list == &running || found.size() < count);
                    if (is_one_more) found.emplace(job.number, job.id);
                    has_more = has_more || (job.attempt && !is_one_more);
                }
                list->after = page->value.next;
            } while (list->after && (list == &running || !has_more));
        }
        while (found.size() > count) {
            has_more = true;
            found.erase(found.begin());
        }
        if (has_more && !limit_)
            context.console.note(fmt::format(
                "these are the newest {} jobs of the name; -n COUNT takes more", jobs_of_a_name));
        std::vector<Found> jobs;
        for (const auto& [number, id] : found)
            jobs.push_back({number, id});
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
