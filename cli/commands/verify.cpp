#include "common/requests/verify.hpp"

#include "cli/commands.hpp"
#include "cli/moment.hpp"
#include "cli/one_call.hpp"
#include "cli/output/verify_text.hpp"

namespace scheduler {
namespace {

class VerifyCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.value("--since",
                      "TIME",
                      since_,
                      "of history only jobs that ended then or later: 2h, or a date");
        options.value("--late", "TIME", late_, "how long after its due time a job is late (1m)");
        options.number("-n,--limit", "COUNT", limit_, 1, "list at most so many findings (100)");
    }

    int run(Context& context) override {
        auto late = span_option("--late", late_);
        if (!late) {
            context.console.report(late.error());
            return exit_usage;
        }
        auto since = since_option("--since", since_, wall_now());
        if (!since) {
            context.console.report(since.error());
            return exit_usage;
        }
        auto text = [&](const VerifyResponse& found) {
            return verify_text(found, context.console.out_terminal().colour);
        };
        return call_and_print(
            context, VerifyRequest{*since, *late, limit_}, text, [](const VerifyResponse& found) {
                return found.well ? exit_done : exit_refused;
            });
    }

  private:
    std::optional<std::string> since_;
    std::optional<std::string> late_;
    std::optional<std::int64_t> limit_;
};

}  // namespace

std::unique_ptr<Command> make_verify() {
    return std::make_unique<VerifyCommand>();
}

}  // namespace scheduler
