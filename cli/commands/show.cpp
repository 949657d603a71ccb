#include "common/requests/show.hpp"

#include "cli/commands.hpp"
#include "cli/each_job.hpp"
#include "cli/output/job_text.hpp"

namespace scheduler {
namespace {

class ShowCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.words({.metavar = "ID",
                       .count_min = 1,
                       .count_max = OptionSet::any_number,
                       .completes = Completes::any_job,
                       .target = &ids_});
    }

    int run(Context& context) override {
        bool first = true;
        return for_each_job(context, ids_, [&](const JobRef& id) {
            auto answer = context.client.call(ShowRequest{id});
            if (!answer) return answer;
            bool json = context.console.json();
            if (!first && !json) context.console.print("\n");
            first = false;
            context.console.print(json ? answer->json + '\n'
                                       : job_details(answer->value,
                                                     wall_now(),
                                                     context.console.out_terminal().colour));
            return answer;
        });
    }

  private:
    std::vector<std::string> ids_;
};

}  // namespace

std::unique_ptr<Command> make_show() {
    return std::make_unique<ShowCommand>();
}

}  // namespace scheduler
