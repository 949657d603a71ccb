/// def set, ls, show, rm, export, import.

#include <algorithm>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/each_job.hpp"
#include "cli/env_options.hpp"
#include "cli/one_call.hpp"
#include "cli/output/job_text.hpp"
#include "cli/output/text.hpp"
#include "cli/spec_options.hpp"
#include "common/json.hpp"
#include "common/requests/definitions.hpp"

namespace scheduler {
namespace {

OptionSet::Words names(std::size_t count_min, std::vector<std::string>& target) {
    return {.metavar = "NAME",
            .count_min = count_min,
            .count_max = OptionSet::any_number,
            .completes = Completes::definition,
            .target = &target};
}

/// All of them, page by page; false when `take` or the daemon ends it.
template <class Take>
CallResult<Done> each_page(Context& context, Take take) {
    DefListRequest request;
    request.limit = DefListRequest::limit_max;
    for (;;) {
        auto page = context.client.call(request);
        if (!page) return fail(std::move(page).error());
        take(page->value.definitions);
        if (!page->value.next || !context.console.is_ok()) return Done{};
        request.after = page->value.next;
    }
}

class DefSetCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        spec_.declare(options);
        options.words({.metavar = "NAME",
                       .count_min = 1,
                       .count_max = 1,
                       .completes = Completes::definition,
                       .target = &name_});
        options.command_words(command_);
    }

    int run(Context& context) override {
        auto spec = read_spec(spec_, command_, "definition", context.console);
        if (!spec) {
            context.console.report(spec.error());
            return exit_usage;
        }
        if (!spec->image) {
            context.console.report(Error{ErrorCode::bad_request,
                                         fmt::format("--image is missing: say which image {} runs",
                                                     escape_text(name_.front()))});
            return exit_usage;
        }
        return call_and_confirm(context, DefSetRequest{name_.front(), *std::move(spec)});
    }

  private:
    SpecOptions spec_;
    std::vector<std::string> name_;
    std::vector<std::string> command_;
};

class DefLsCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.flag("-q,--quiet", quiet_, "print names alone");
        options.flag("--plain", plain_, "fields between tabs, as in a pipe");
    }

    int run(Context& context) override {
        const Terminal& terminal = context.console.out_terminal();
        bool as_table = terminal.is_terminal && !plain_ && !quiet_ && !context.console.json();
        Table table(definition_columns(), terminal.width, terminal.colour);
        std::size_t printed = 0;
        auto listed = each_page(context, [&](const std::vector<Definition>& definitions) {
            printed += definitions.size();
            context.console.print(text_of(definitions, context, as_table ? &table : nullptr));
        });
        if (!listed) {
            context.console.report(listed.error());
            return exit_code_of(listed.error());
        }
        if (printed == 0 && as_table)
            context.console.note("no definitions; schedctl def set makes one");
        return exit_done;
    }

  private:
    [[nodiscard]] std::string text_of(const std::vector<Definition>& definitions,
                                      Context& context,
                                      Table* table) const {
        std::vector<Row> rows;
        std::string text;
        for (const Definition& definition : definitions)
            if (context.console.json())
                text += encode(definition) + '\n';
            else if (quiet_)
                text += definition.name + '\n';
            else if (table != nullptr)
                rows.push_back(definition_row(definition, wall_now()));
            else
                text += definition_fields(definition);
        return rows.empty() ? text : table->lines(rows);
    }

    bool quiet_ = false;
    bool plain_ = false;
};

class DefShowCommand : public Command {
  public:
    void declare(OptionSet& options) override { options.words(names(1, names_)); }

    int run(Context& context) override {
        return show_each<DefShowRequest>(context, names_, [](const Definition& shown) {
            return definition_details(shown, wall_now());
        });
    }

  private:
    std::vector<std::string> names_;
};

class DefRmCommand : public Command {
  public:
    void declare(OptionSet& options) override { options.words(names(1, names_)); }

    int run(Context& context) override {
        return for_each_word(context, names_, [&](const std::string& name) {
            auto answer = context.client.call(DefRemoveRequest{name});
            if (answer) print_confirmation(context, *answer);
            return answer;
        });
    }

  private:
    std::vector<std::string> names_;
};

/// One document with a line each, which a version control system shows well.
class DefExportCommand : public Command {
  public:
    void declare(OptionSet& options) override { options.words(names(0, names_)); }

    int run(Context& context) override {
        std::vector<Definition> all;
        int exit_code = names_.empty() ? read_all(context, all) : read_named(context, all);
        if (exit_code != exit_done) return exit_code;
        std::string text = "{\"definitions\":[\n";
        bool is_hiding = false;
        for (std::size_t i = 0; i < all.size(); ++i) {
            is_hiding = is_hiding || !all[i].spec.env.empty();
            text += encode(NamedSpec{all[i].name, all[i].spec});
            text += i + 1 < all.size() ? ",\n" : "\n";
        }
        context.console.print(text + "]}\n");
        if (is_hiding)
            context.console.note(
                "environment values are not told: an import keeps those that are there, and "
                "elsewhere they must be written into the file");
        return exit_done;
    }

  private:
    static int read_all(Context& context, std::vector<Definition>& all) {
        auto read = each_page(context, [&](std::vector<Definition>& page) {
            std::move(page.begin(), page.end(), std::back_inserter(all));
        });
        if (read) return exit_done;
        context.console.report(read.error());
        return exit_code_of(read.error());
    }

    int read_named(Context& context, std::vector<Definition>& all) const {
        return for_each_word(context, names_, [&](const std::string& name) {
            auto answer = context.client.call(DefShowRequest{name});
            if (answer) all.push_back(answer->value);
            return answer;
        });
    }

    std::vector<std::string> names_;
};

class DefImportCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.words({.metavar = "FILE",
                       .count_min = 1,
                       .count_max = 1,
                       .completes = Completes::file,
                       .target = &file_});
    }

    int run(Context& context) override {
        auto request = read();
        if (!request) {
            context.console.report(request.error());
            return exit_refused;
        }
        return call_and_confirm(context, *request);
    }

  private:
    [[nodiscard]] Result<DefImportRequest> read() const {
        const std::string& name = file_.front();
        auto text = read_small_file("def import", name);
        if (!text) return fail(text.error());
        auto request = decode<DefImportRequest>(*text);
        if (request) return request;
        return fail(request.error().code,
                    fmt::format("{}: {}", escape_text(name), escape_text(request.error().message)));
    }

    std::vector<std::string> file_;
};

}  // namespace

std::unique_ptr<Command> make_def_set() {
    return std::make_unique<DefSetCommand>();
}
std::unique_ptr<Command> make_def_ls() {
    return std::make_unique<DefLsCommand>();
}
std::unique_ptr<Command> make_def_show() {
    return std::make_unique<DefShowCommand>();
}
std::unique_ptr<Command> make_def_rm() {
    return std::make_unique<DefRmCommand>();
}
std::unique_ptr<Command> make_def_export() {
    return std::make_unique<DefExportCommand>();
}
std::unique_ptr<Command> make_def_import() {
    return std::make_unique<DefImportCommand>();
}

}  // namespace scheduler
