#include "common/requests/add.hpp"

#include <cerrno>
#include <system_error>

#include <sys/random.h>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/due_options.hpp"
#include "cli/each_job.hpp"
#include "cli/env_options.hpp"
#include "cli/exit_code.hpp"
#include "cli/output/job_text.hpp"
#include "cli/output/text.hpp"
#include "cli/spec_options.hpp"
#include "cli/waiting.hpp"
#include "common/requests/show.hpp"

namespace scheduler {
namespace {

/// 128 random bits: an idempotency key that nobody else will use.
Result<std::string> random_key() {
    IdBytes bytes{};
    auto count = ::getrandom(bytes.data(), bytes.size(), 0);
    if (count != static_cast<ssize_t>(bytes.size()))
        return fail(ErrorCode::internal,
                    fmt::format("getrandom failed: {}", std::generic_category().message(errno)));
    return to_hex(bytes);
}

class AddCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.group("When");
        due_.declare_moment(options);
        options.flag("--now", now_, "due at once");
        due_.declare_past(options);
        options.group("What runs");
        options.value(
            "-f,--file", "SCRIPT", script_, "run it as sh -c; -: standard input", Completes::file);
        options.value(
            "--from", "ID", from_, "what this job ran, but for what is given", Completes::any_job);
        spec_.declare(options);
        options.group("Answer");
        options.flag("--wait", wait_, "wait for its end and exit with its code");
        options.flag("--follow", follow_, "print its output, wait, and exit with its code");
        options.flag("--dry-run", dry_run_, "check it and say when it would run; submit nothing");
        options.value("--key", "KEY", key_, "a repeat under the same key adds nothing");
        options.flag("-q,--quiet", quiet_, "print the id alone; of a dry run the moment");
        options.words({.metavar = "NAME",
                       .count_min = 0,
                       .count_max = 1,
                       .completes = Completes::job_name,
                       .target = &name_});
        options.command_words(command_);
    }

    int run(Context& context) override {
        if (auto usage = check_usage(); !usage) {
            context.console.report(usage.error());
            return exit_usage;
        }
        if (auto found = find_earlier(context); !found) {
            context.console.report(found.error());
            return exit_code_of(found.error());
        }
        auto request = make_request(context);
        if (!request) {
            context.console.report(request.error());
            return request.error().code == ErrorCode::internal ? exit_refused : exit_usage;
        }
        auto answer = persist(context, [&] { return context.client.call(*request); });
        if (!answer) return explain(context, std::move(answer).error(), *request);
        tell(context, *answer);
        if (!wait_ && !follow_) return exit_done;
        return wait_and_tell(context, answer->value.job, follow_);
    }

  private:
    [[nodiscard]] Result<Done> check_usage() const {
        auto wrong = [](std::string message) {
            return fail(ErrorCode::bad_request, std::move(message));
        };
        if (name_.empty() && !from_) return wrong("NAME is missing; see schedctl add --help");
        if (script_ && !command_.empty())
            return wrong("--file is the job's command; leave out what stands after --");
        int moments = due_.count() + (now_ ? 1 : 0);
        if (moments == 0) return wrong("when? Give one of --in 2m, --at 20:00 and --now");
        if (moments > 1) return wrong("give only one of --in, --at and --now");
        if (auto due = due_.check(); !due) return due;
        if (dry_run_ && (wait_ || follow_)) return wrong("--dry-run submits nothing to wait for");
        return Done{};
    }

    /// A job that is repeated has the name of the one before, unless another is given.
    CallResult<Done> find_earlier(Context& context) {
        if (!from_) return Done{};
        auto ref = job_ref(*from_);
        if (!ref) return fail(CallError{CallError::Kind::refused, ref.error(), ""});
        from_ref_ = *ref;
        if (!name_.empty()) return Done{};
        auto earlier = context.client.call(ShowRequest{*ref});
        if (!earlier) return fail(std::move(earlier).error());
        name_ = {earlier->value.job_name};
        return Done{};
    }

    Result<AddRequest> make_request(Context& context) const {
        AddRequest request;
        request.job_name = name_.front();
        due_.write(request);
        if (now_) request.time = "0s";
        request.dry_run = dry_run_;
        auto spec = read_spec(spec_, command_, "job", context.console);
        if (!spec) return fail(spec.error());
        request.spec = *std::move(spec);
        request.from = from_ref_;
        if (script_) {
            auto text = read_small_file("--file", *script_);
            if (!text) return fail(text.error());
            // Whatever the image's entrypoint is.
            if (request.spec.entrypoint.empty()) request.spec.entrypoint = {"sh"};
            request.spec.command = {"-c", *std::move(text)};
        }
        auto key = key_ ? Result<std::string>(*key_) : random_key();
        if (!key) return fail(key.error());
        request.key = *std::move(key);
        return request;
    }

    /// With --follow standard output is the job's alone, so that the answer goes to standard error.
    void tell(Context& context, const Answer<AddResponse>& answer) const {
        Console& console = context.console;
        const AddResponse& added = answer.value;
        std::string due = due_text(added.job, added.zone, wall_now());
        std::string line = escape_text(added.message);
        if (dry_run_)
            line = fmt::format(
                "{} would be due {}; nothing was submitted", escape_text(name_.front()), due);
        if (quiet_) line = added.id ? added.id->to_string() : added.job.due_at.to_string();
        if (console.json()) line = answer.json;
        if (!line.empty()) line += '\n';
        if (follow_)
            console.print_to_stderr(line);
        else
            console.print(line);
        if (added.warning) console.note("warning: " + escape_text(*added.warning));
        if (added.replayed) console.note("this key was used before: this is the job of that time");
        if (quiet_ || console.json()) return;
        if (!dry_run_)
            console.print_to_stderr(fmt::format("job {}, due {}\n", added.job.number, due));
        if (added.job.definition_revision)
            console.print_to_stderr(fmt::format("{} is a definition, revision {}\n",
                                                escape_text(added.job.job_name),
                                                *added.job.definition_revision));
    }

    int explain(Context& context, CallError error, const AddRequest& request) const {
        using Kind = CallError::Kind;
        due_.explain(error.error);
        if ((error.kind == Kind::lost || error.kind == Kind::silent) && !dry_run_)
            error.error.message += fmt::format(
                "\nThe job may have been submitted. With --key {} a repeat of this line adds "
                "nothing twice.",
                quote_shell(*request.key));
        context.console.report(error);
        return exit_code_of(error);
    }

    std::vector<std::string> name_;
    std::vector<std::string> command_;
    DueOptions due_;
    bool now_ = false;
    SpecOptions spec_;
    std::optional<std::string> script_;
    std::optional<std::string> from_;
    std::optional<JobRef> from_ref_;
    bool wait_ = false;
    bool follow_ = false;
    bool dry_run_ = false;
    std::optional<std::string> key_;
    bool quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_add() {
    return std::make_unique<AddCommand>();
}

}  // namespace scheduler
