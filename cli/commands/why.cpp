#include "common/requests/why.hpp"

#include "cli/commands.hpp"
#include "cli/each_job.hpp"
#include "cli/output/text.hpp"

namespace scheduler {
namespace {

class WhyCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.words({.metavar = "ID",
                       .count_min = 1,
                       .count_max = 1,
                       .completes = Completes::any_job,
                       .target = &ids_});
    }

    int run(Context& context) override {
        return for_each_job(context, ids_, [&](const JobRef& id) {
            auto answer = context.client.call(WhyRequest{id});
            if (answer)
                context.console.print(
                    (context.console.json() ? answer->json : escape_text(answer->value.message)) +
                    '\n');
            return answer;
        });
    }

  private:
    std::vector<std::string> ids_;
};

}  // namespace

std::unique_ptr<Command> make_why() {
    return std::make_unique<WhyCommand>();
}

}  // namespace scheduler
