/// hold and release.

#include "common/requests/hold.hpp"

#include "cli/commands.hpp"
#include "cli/each_job.hpp"

namespace scheduler {
namespace {

template <class Request>
class HoldCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.words({.metavar = "ID",
                       .count_min = 1,
                       .count_max = OptionSet::any_number,
                       .completes = Completes::scheduled_job,
                       .target = &ids_});
    }

    int run(Context& context) override {
        return for_each_job(context, ids_, [&](const JobRef& id) {
            auto answer = context.client.call(Request{id});
            if (answer) print_confirmation(context, *answer);
            return answer;
        });
    }

  private:
    std::vector<std::string> ids_;
};

}  // namespace

std::unique_ptr<Command> make_hold() {
    return std::make_unique<HoldCommand<HoldRequest>>();
}
std::unique_ptr<Command> make_release() {
    return std::make_unique<HoldCommand<ReleaseRequest>>();
}

}  // namespace scheduler
