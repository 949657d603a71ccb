#include "cli/env_options.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/output/text.hpp"
#include "common/json.hpp"
#include "common/unique_fd.hpp"

namespace scheduler {
namespace {

constexpr std::size_t file_bytes_max = 1024 * 1024;

}  // namespace

Result<Done> add_variable(JobEnvironment& environment,
                          const std::string& text,
                          const EnvironmentLookup& lookup) {
    const auto equals = text.find('=');
    std::string name = text.substr(0, equals);
    if (name.empty())
        return fail(ErrorCode::bad_field,
                    fmt::format("\"{}\" has no name; write NAME=VALUE or NAME", escape_text(text)));
    if (name.find_first_of(" \t") != std::string::npos)
        return fail(ErrorCode::bad_field,
                    fmt::format("variable name \"{}\" holds a blank", escape_text(name)));
    std::optional<std::string> value =
        equals != std::string::npos ? text.substr(equals + 1) : lookup(name);
    if (!value) {
        environment.unset.push_back(name);
        return Done{};
    }
    // The value is not shown: it may be a secret.
    if (!is_valid_utf8(name))
        return fail(ErrorCode::bad_field,
                    fmt::format("variable name \"{}\" is not valid UTF-8", escape_text(name)));
    if (!is_valid_utf8(*value) || value->find('\0') != std::string::npos)
        return fail(ErrorCode::bad_field,
                    fmt::format("the value of {} is not valid UTF-8 without NUL", name));
    environment.values[name] = *std::move(value);
    return Done{};
}

Result<Done> add_variables_of(JobEnvironment& environment,
                              const std::string& text,
                              const std::string& name,
                              const EnvironmentLookup& lookup) {
    std::size_t number = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        auto end = std::min(text.find('\n', begin), text.size());
        std::string line = text.substr(begin, end - begin);
        begin = end + 1;
        ++number;
        if (!line.empty() && line.back() == '\r') line.pop_back();
        line.erase(0, line.find_first_not_of(" \t"));
        if (line.empty() || line.front() == '#') continue;
        if (auto added = add_variable(environment, line, lookup); !added)
            return fail(ErrorCode::bad_field,
                        fmt::format("{}:{}: {}", name, number, added.error().message));
    }
    return Done{};
}

Result<std::string> read_small_file(std::string_view option, const std::string& path) {
    auto failed = [&](const std::string& reason) {
        return fail(ErrorCode::bad_field, fmt::format("{} {}: {}", option, path, reason));
    };
    UniqueFd file(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                              : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) return failed(std::generic_category().message(errno));
    std::string text(file_bytes_max + 1, '\0');
    std::size_t used = 0;
    while (used < text.size()) {
        auto count = ::read(file.get(), text.data() + used, text.size() - used);
        if (count == 0) break;
        if (count < 0 && errno != EINTR) return failed(std::generic_category().message(errno));
        if (count > 0) used += static_cast<std::size_t>(count);
    }
    if (used > file_bytes_max) return failed("it is larger than 1 MiB; give it in parts");
    text.resize(used);
    return text;
}

}  // namespace scheduler
