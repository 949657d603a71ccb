#include "common/requests/logs.hpp"

#include "cli/commands.hpp"
#include "cli/each_job.hpp"
#include "cli/moment.hpp"
#include "cli/waiting.hpp"

namespace scheduler {
namespace {

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
        options.words({.metavar = "ID",
                       .count_min = 1,
                       .count_max = 1,
                       .completes = Completes::started_job,
                       .target = &ids_});
    }

    int run(Context& context) override {
        LogsRequest request;
        request.follow = follow_;
        request.tail = tail_;
        request.attempt = attempt_;
        auto since = since_option("--since", since_, wall_now());
        if (!since) {
            context.console.report(since.error());
            return exit_usage;
        }
        request.since = *since;
        request.timestamps = timestamps_;
        if (stream_) {
            auto stream = parse_log_stream(*stream_);
            if (!stream) {
                context.console.report(stream.error());
                return exit_usage;
            }
            request.stream = *stream;
        }
        return for_each_job(context, ids_, [&](const JobRef& id) {
            request.job_id = id;
            return print_output(context, request);
        });
    }

  private:
    bool follow_ = false;
    bool timestamps_ = false;
    std::optional<std::int64_t> tail_;
    std::optional<std::int64_t> attempt_;
    std::optional<std::string> since_;
    std::optional<std::string> stream_;
    std::vector<std::string> ids_;
};

}  // namespace

std::unique_ptr<Command> make_logs() {
    return std::make_unique<LogsCommand>();
}

}  // namespace scheduler
