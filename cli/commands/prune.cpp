#include "common/requests/prune.hpp"

#include "cli/commands.hpp"
#include "cli/moment.hpp"
#include "cli/one_call.hpp"
#include "common/size.hpp"

namespace scheduler {
namespace {

class PruneCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.value("--older-than", "TIME", older_than_, "jobs that ended longer ago: 7d, 12h");
        options.number("--keep", "N", keep_, 0, "all but the N jobs that ended last");
        options.value("--log-total", "SIZE", log_total_, "the oldest output, down to 1GiB, 500MiB");
        options.flag("-n,--dry-run", dry_run_, "say what would be removed, and remove nothing");
    }

    int run(Context& context) override {
        auto older_than = span_option("--older-than", older_than_);
        if (!older_than) {
            context.console.report(older_than.error());
            return exit_usage;
        }
        if (auto size = log_total_ ? parse_size(*log_total_) : 0; !size) {
            std::string message = "--log-total: " + escape_text(size.error().message);
            context.console.report(Error{size.error().code, std::move(message)});
            return exit_usage;
        }
        PruneRequest request{*older_than, keep_, log_total_, dry_run_};
        return call_and_confirm(context, request, [&](const PruneResponse& pruned) {
            if (pruned.warning) context.console.note(escape_text(*pruned.warning));
            return exit_done;
        });
    }

  private:
    std::optional<std::string> older_than_;
    std::optional<std::int64_t> keep_;
    std::optional<std::string> log_total_;
    bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> make_prune() {
    return std::make_unique<PruneCommand>();
}

}  // namespace scheduler
