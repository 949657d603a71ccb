#pragma once
/// Command: one subcommand of schedctl. It declares its options, then runs once.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cli/client.hpp"
#include "cli/console.hpp"
#include "cli/options.hpp"
#include "common/time.hpp"

namespace scheduler {

/// What a subcommand works with. Owns nothing.
struct Context {
    Client& client;
    Console& console;
};

/// The wall clock, for relative times and `--since 10m`.
TimePoint wall_now();

class Command {
  public:
    virtual ~Command() = default;
    virtual void declare(OptionSet& options) = 0;
    /// The exit code.
    virtual int run(Context& context) = 0;
};

enum class CommandGroup : std::uint8_t { jobs, outcome, daemon };

/// The heading of what every subcommand takes.
inline constexpr std::string_view common_group = "Every command";

/// What every subcommand takes besides its own options.
struct CommonOptions {
    std::optional<std::string> socket;
    bool json = false;
    bool help = false;
    bool version = false;

    void declare(OptionSet& options);
};

/// A row of the list in commands.hpp. The names of a family have two words: `def set`.
struct CommandRow {
    std::string_view name;
    CommandGroup group;
    std::string_view synopsis;  ///< what follows the name in the usage line
    std::string_view summary;   ///< one line of `schedctl --help`
    std::unique_ptr<Command> (*make)();

    /// The first word of a name with two; else empty.
    [[nodiscard]] constexpr std::string_view family() const {
        return name.substr(0, name.find(' ') == std::string_view::npos ? 0 : name.find(' '));
    }
};

inline bool is_family(std::string_view word, std::span<const CommandRow> commands) {
    return !word.empty() && std::any_of(commands.begin(), commands.end(), [&](const auto& row) {
        return row.family() == word;
    });
}

}  // namespace scheduler
