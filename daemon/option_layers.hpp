#pragma once
/// Puts flags, variables and the config file together: what a layer above holds is left out below.
/// Each value is checked where it stands, so that an error names the variable, or the file's line.
/// (CLI11 2.1.2 alone lets the file beat the environment, and ignores unknown keys.) One thread.

#include <map>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "daemon/config_file.hpp"
#include "daemon/option_parser.hpp"

namespace scheduler {

/// Added in the order of the methods. Errors of all: bad_field.
class OptionLayers {
  public:
    Result<Done> add_flags(std::vector<std::string> arguments);
    Result<Done> add_environment(const std::map<std::string, std::string>& environment);
    Result<Done> add_file(const std::vector<ConfigEntry>& entries, const std::string& path);

    /// All that was added, parsed at once.
    [[nodiscard]] Result<WrittenOptions> together() const;
    /// The flags alone.
    [[nodiscard]] const OptionParser& flags() const { return flags_; }

  private:
    enum class Layer { none, file, environment, flags };

    Result<Done> add(const std::string& name,
                     const std::vector<std::string>& values,
                     Layer layer,
                     const std::string& where);
    [[nodiscard]] Layer holder(const std::string& name) const;

    OptionParser flags_;
    std::map<std::string, Layer> holders_;  ///< which layer an option's value comes from
    std::vector<std::string> arguments_;
};

}  // namespace scheduler
