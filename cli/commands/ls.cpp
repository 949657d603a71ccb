#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/moment.hpp"
#include "cli/output/job_text.hpp"
#include "cli/output/json.hpp"
#include "common/requests/list.hpp"
#include "common/requests/status.hpp"

namespace scheduler {
namespace {

constexpr std::int64_t scheduled_shown = 50;
constexpr std::int64_t history_shown = 20;

/// A part of the list that has a limit of its own.
struct Section {
    std::vector<JobStatus> statuses;
    std::optional<std::int64_t> limit;
    std::string_view left_out;  ///< what to say when there is more
    bool is_history = false;
};

/// How many jobs of the section there are, by the daemon's counters; 0 if that can't be known.
std::int64_t count_jobs(Context& context, const Section& section) {
    auto status = context.client.call(StatusRequest{});
    if (!status) return 0;
    auto count = [&](std::string_view word) {
        auto found = status->value.jobs.find(std::string(word));
        return found == status->value.jobs.end() ? 0 : found->second;
    };
    if (!section.is_history) return count(to_string(JobStatus::scheduled));
    std::int64_t sum = 0;
    for (FinishStatus finish : finish_statuses)
        sum += count(to_string(finish));
    return sum;
}

class LsCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.list("--status",
                     "S",
                     status_,
                     "only these: scheduled, running, finished, canceled",
                     Completes::status);
        options.list(
            "--finish-status",
            "S",
            finish_status_,
            "only jobs that ended so: success, failed, did_not_run, killed, timed_out, lost",
            Completes::finish_status);
        options.value("--name", "NAME", name_, "only jobs of this name", Completes::job_name);
        options.value("--since",
                      "TIME",
                      since_,
                      "only jobs that ended or are due then or later: 2h (ago), 20:00 (the last "
                      "one), a date");
        options.value("--until", "TIME", until_, "only jobs that ended or are due before");
        options.number("-n,--limit", "COUNT", limit_, 1, "at most so many, running ones first");
        options.flag("-a,--all", all_, "all of them");
        options.flag("-q,--quiet", quiet_, "print ids alone");
        options.flag("--plain", plain_, "fields between tabs, as in a pipe");
    }

    int run(Context& context) override {
        auto request = make_request();
        if (!request) {
            context.console.report(request.error());
            return exit_usage;
        }
        const Terminal& terminal = context.console.out_terminal();
        bool as_table = terminal.is_terminal && !plain_ && !quiet_ && !context.console.json();
        Table table(job_columns(), terminal.width, terminal.colour);
        pending_.clear();
        for (const Section& section : sections(*request)) {
            if (auto listed = list(context, *request, section, as_table ? &table : nullptr);
                !listed) {
                context.console.report(listed.error());
                return exit_code_of(listed.error());
            }
        }
        flush(context, as_table ? &table : nullptr);
        if (printed_ == 0 && as_table) context.console.note("no jobs");
        if (!left_out_.empty())
            context.console.note(fmt::format("left out: {}; -a lists all", left_out_));
        return exit_done;
    }

  private:
    Result<ListRequest> make_request() const {
        ListRequest request;
        for (const std::string& word : status_) {
            auto status = parse_job_status(word);
            if (!status) return fail(status.error());
            request.status.push_back(*status);
        }
        for (const std::string& word : finish_status_) {
            auto finish = parse_finish_status(word);
            if (!finish) return fail(finish.error());
            request.finish_status.push_back(*finish);
        }
        request.job_name = name_;
        for (auto [name, given, field] : {std::tuple("--since", &since_, &request.since),
                                          std::tuple("--until", &until_, &request.until)}) {
            auto text = since_option(name, *given, wall_now());
            if (!text) return fail(text.error());
            *field = *text;
        }
        return request;
    }

    /// One section for -a and -n; else each with its own limit, as far as the filters leave any of
    /// it.
    [[nodiscard]] std::vector<Section> sections(const ListRequest& request) const {
        if (all_ || limit_) return {{request.status, limit_, ""}};
        std::vector<Section> parts{
            {{JobStatus::running}, std::nullopt, ""},
            {{JobStatus::scheduled}, scheduled_shown, "later scheduled ones"},
            {{JobStatus::finished, JobStatus::canceled},
             history_shown,
             "older ones in history",
             true}};
        if (request.status.empty()) return parts;
        for (Section& part : parts)
            std::erase_if(part.statuses, [&](JobStatus status) {
                return std::find(request.status.begin(), request.status.end(), status) ==
                       request.status.end();
            });
        std::erase_if(parts, [](const Section& part) { return part.statuses.empty(); });
        return parts;
    }

    CallResult<Done> list(Context& context,
                          ListRequest request,
                          const Section& section,
                          Table* table) {
        request.status = section.statuses;
        std::int64_t left = section.limit.value_or(std::numeric_limits<std::int64_t>::max());
        for (;;) {
            request.limit = std::min(left, ListRequest::limit_max);
            auto page = context.client.call(request);
            if (!page) return fail(std::move(page).error());
            auto& jobs = page->value.jobs;
            left -= static_cast<std::int64_t>(jobs.size());
            pending_.insert(pending_.end(),
                            std::make_move_iterator(jobs.begin()),
                            std::make_move_iterator(jobs.end()));
            // A short list is laid out in one piece; a long one page by page, in bounded memory.
            if (pending_.size() >= static_cast<std::size_t>(ListRequest::limit_max))
                flush(context, table);
            if (!page->value.next || !context.console.is_ok()) return Done{};
            if (left <= 0) {
                if (!limit_) note_left_out(context, section);  // else it is what was asked for
                return Done{};
            }
            request.after = page->value.next;
        }
    }

    /// With the number where the daemon's counters can tell it: they know nothing of filters.
    void note_left_out(Context& context, const Section& section) {
        bool filtered = !status_.empty() || !finish_status_.empty() || name_ || since_ || until_;
        std::int64_t rest = filtered ? 0 : count_jobs(context, section) - *section.limit;
        if (!left_out_.empty()) left_out_ += ", ";
        if (rest > 0) left_out_ += fmt::format("{} ", rest);
        left_out_ += section.left_out;
    }

    void flush(Context& context, Table* table) {
        if (pending_.empty()) return;
        context.console.print(text_of(pending_, context.console.json(), table));
        printed_ += pending_.size();
        pending_.clear();
    }

    [[nodiscard]] std::string text_of(const std::vector<Job>& jobs, bool json, Table* table) const {
        std::string text;
        if (quiet_) {
            for (const Job& job : jobs)
                text += job.id.to_string() + '\n';
        } else if (json) {
            text = json_lines(jobs);
        } else if (table != nullptr) {
            std::vector<Row> rows;
            for (const Job& job : jobs)
                rows.push_back(job_row(job, wall_now()));
            text = table->lines(rows);
        } else {
            for (const Job& job : jobs)
                text += job_fields(job);
        }
        return text;
    }

    std::vector<std::string> status_;
    std::vector<std::string> finish_status_;
    std::optional<std::string> name_;
    std::optional<std::string> since_;
    std::optional<std::string> until_;
    std::optional<std::int64_t> limit_;
    bool all_ = false;
    bool quiet_ = false;
    bool plain_ = false;

    std::vector<Job> pending_;  ///< listed and not printed yet
    std::size_t printed_ = 0;
    std::string left_out_;
};

}  // namespace

std::unique_ptr<Command> make_ls() {
    return std::make_unique<LsCommand>();
}

}  // namespace scheduler
