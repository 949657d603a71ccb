/// group set, ls, show, rm, pause, resume.

#include <type_traits>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/each_job.hpp"
#include "cli/moment.hpp"
#include "cli/one_call.hpp"
#include "cli/output/job_text.hpp"
#include "cli/output/text.hpp"
#include "common/json.hpp"
#include "common/requests/groups.hpp"

namespace scheduler {
namespace {

OptionSet::Words names(std::size_t count_max, std::vector<std::string>& target) {
    return {.metavar = "NAME",
            .count_min = 1,
            .count_max = count_max,
            .completes = Completes::group,
            .target = &target};
}

class GroupSetCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.number("--max", "N", max_, 1, "as many of its jobs run at once");
        options.words(names(1, names_));
    }

    int run(Context& context) override {
        if (max_) return call_and_confirm(context, GroupSetRequest{names_.front(), max_});
        context.console.report(
            Error{ErrorCode::bad_request,
                  fmt::format("--max N is missing: say how many of {} run at once; group rm takes "
                              "the limit away",
                              escape_text(names_.front()))});
        return exit_usage;
    }

  private:
    std::optional<std::int64_t> max_;
    std::vector<std::string> names_;
};

class GroupLsCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.flag("-q,--quiet", quiet_, "print names alone");
        options.flag("--plain", plain_, "fields between tabs, as in a pipe");
    }

    int run(Context& context) override {
        GroupListRequest request;
        static_assert(GroupLimits::groups <= GroupListRequest::limit_max, "one page holds all");
        request.limit = GroupListRequest::limit_max;
        auto answer = context.client.call(request);
        if (!answer) {
            context.console.report(answer.error());
            return exit_code_of(answer.error());
        }
        const Terminal& terminal = context.console.out_terminal();
        bool as_table = terminal.is_terminal && !plain_ && !quiet_ && !context.console.json();
        if (answer->value.groups.empty() && as_table)
            context.console.note("no groups are set; schedctl group set limits one");
        else
            context.console.print(as_table ? table(answer->value.groups, terminal)
                                           : lines(answer->value.groups, context.console.json()));
        return exit_done;
    }

  private:
    static std::string table(const std::vector<Group>& groups, const Terminal& terminal) {
        std::vector<Row> rows;
        for (const Group& group : groups)
            rows.push_back(group_row(group, wall_now()));
        return Table(group_columns(), terminal.width, terminal.colour).lines(rows);
    }

    [[nodiscard]] std::string lines(const std::vector<Group>& groups, bool json) const {
        std::string text;
        for (const Group& group : groups)
            if (json)
                text += encode(group) + '\n';
            else
                text += quiet_ ? group.name + '\n' : group_fields(group);
        return text;
    }

    bool quiet_ = false;
    bool plain_ = false;
};

class GroupShowCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.words(names(OptionSet::any_number, names_));
    }

    int run(Context& context) override {
        return show_each<GroupShowRequest>(
            context, names_, [](const Group& shown) { return group_details(shown, wall_now()); });
    }

  private:
    std::vector<std::string> names_;
};

/// A command that does one thing to each group on its line, and prints what was confirmed.
template <class Request>
class GroupsCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        if constexpr (std::is_same_v<Request, GroupPauseRequest>)
            options.value("--for", "TIME", for_, "resume by itself after this long: 30m, 2h");
        options.words(names(OptionSet::any_number, names_));
    }

    int run(Context& context) override {
        auto span = pause_option(for_, "schedctl group resume");
        if (!span) {
            context.console.report(span.error());
            return exit_usage;
        }
        return for_each_word(context, names_, [&](const std::string& name) {
            Request request;
            request.name = name;
            if constexpr (std::is_same_v<Request, GroupPauseRequest>) request.for_time = *span;
            auto answer = context.client.call(request);
            if (answer) print_confirmation(context, *answer);
            return answer;
        });
    }

  private:
    std::optional<std::string> for_;
    std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<Command> make_group_set() {
    return std::make_unique<GroupSetCommand>();
}
std::unique_ptr<Command> make_group_ls() {
    return std::make_unique<GroupLsCommand>();
}
std::unique_ptr<Command> make_group_show() {
    return std::make_unique<GroupShowCommand>();
}
std::unique_ptr<Command> make_group_rm() {
    return std::make_unique<GroupsCommand<GroupRemoveRequest>>();
}
std::unique_ptr<Command> make_group_pause() {
    return std::make_unique<GroupsCommand<GroupPauseRequest>>();
}
std::unique_ptr<Command> make_group_resume() {
    return std::make_unique<GroupsCommand<GroupResumeRequest>>();
}

}  // namespace scheduler
