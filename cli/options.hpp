#pragma once
/// OptionSet: what one subcommand takes. It is declared once, and serves parsing, `--help` and the
/// shells' completion. CLI11 stays behind options.cpp, so that the subcommands don't pay for its
/// header. Targets are written by `parse` and must outlive the set. One thread.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace scheduler {

/// What a shell may offer for a value or a word.
enum class Completes : std::uint8_t {
    nothing,
    file,
    any_job,
    scheduled_job,
    running_job,
    started_job,
    unended_job,
    job_name,
    status,
    finish_status,
    stream,
    past_date,
    network,
    capability,
    definition,
    group,
    backoff,
    retried_end,
};

class OptionSet {
  public:
    /// How `--help` shows a group.
    enum class Layout : std::uint8_t {
        lines,  ///< each option with what it is for
        names,  ///< the options alone, one after the other
    };
    using Assign = std::function<Result<Done>(const std::vector<std::string>&)>;
    struct Option {
        std::vector<std::string> names;  ///< `-q`, `--quiet`
        std::string metavar;             ///< empty: a flag
        std::string help;
        Completes completes = Completes::nothing;
        std::string group;  ///< its heading in `--help`; empty: there is one for all
        Layout layout = Layout::lines;
        /// Takes what was given, in order. Errors: bad_field, in words for the user.
        Assign assign;
    };
    /// The words that are no options.
    static constexpr std::size_t any_number = 1'000'000;
    struct Words {
        std::string metavar = "";
        std::size_t count_min = 0;
        std::size_t count_max = 0;
        Completes completes = Completes::nothing;
        std::vector<std::string>* target = nullptr;
    };

    explicit OptionSet(std::string command) : command_(std::move(command)) {}

    /// What is declared from here on stands under this heading in `--help`.
    void group(std::string_view title, Layout layout = Layout::lines) {
        group_ = title;
        layout_ = layout;
    }
    /// `names` as in `-q,--quiet`. A flag may be repeated; a value may not.
    void flag(std::string_view names, bool& target, std::string_view help);
    void value(std::string_view names,
               std::string_view metavar,
               std::optional<std::string>& target,
               std::string_view help,
               Completes completes = Completes::nothing);
    /// A whole number from `minimum` up.
    void number(std::string_view names,
                std::string_view metavar,
                std::optional<std::int64_t>& target,
                std::int64_t minimum,
                std::string_view help);
    /// One value each time it is given.
    void list(std::string_view names,
              std::string_view metavar,
              std::vector<std::string>& target,
              std::string_view help,
              Completes completes = Completes::nothing);
    void words(Words words) { words_ = std::move(words); }
    /// What stands after `--`, untouched.
    void command_words(std::vector<std::string>& target) { command_words_ = &target; }

    /// Errors: bad_request or bad_field, saying what is wrong with the line and, where it can be
    /// told, the right one.
    Result<Done> parse(const std::vector<std::string>& arguments);

    [[nodiscard]] const std::string& command() const { return command_; }
    [[nodiscard]] const std::vector<Option>& options() const { return options_; }
    [[nodiscard]] const Words& words() const { return words_; }
    [[nodiscard]] bool takes_command() const { return command_words_ != nullptr; }
    [[nodiscard]] const Option* find(std::string_view name) const;

  private:
    struct Given;
    void add(std::vector<std::string> names,
             std::string_view metavar,
             std::string_view help,
             Completes completes,
             Assign assign);
    Result<Given> read(const std::vector<std::string>& arguments) const;
    [[nodiscard]] static Result<Done> check_text(const Given& given);
    [[nodiscard]] Result<Done> assign_words(const Given& given) const;
    [[nodiscard]] Error unknown_option(std::string_view word) const;
    [[nodiscard]] Error too_many_words(const Given& given) const;

    std::string command_;
    std::vector<Option> options_;
    std::string group_;
    Layout layout_ = Layout::lines;
    Words words_;
    std::vector<std::string>* command_words_ = nullptr;
};

}  // namespace scheduler
