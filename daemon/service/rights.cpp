#include "daemon/service/rights.hpp"

#include <fmt/format.h>

namespace scheduler {
namespace {

/// The first field that reaches out of the container; empty: there is none.
std::string_view field_with_power(const JobSpec& spec) {
    if (!spec.mounts.empty()) return "mounts";
    if (spec.network && *spec.network != "bridge" && *spec.network != "none") return "network";
    if (!spec.cap_add.empty()) return "cap_add";
    if (!spec.security_opt.empty()) return "security_opt";
    if (spec.gpus) return "gpus";
    return "";
}

}  // namespace

Result<Done> check_rights(const JobSpec& spec, const Caller& caller) {
    std::string_view field = caller.is_anonymous ? field_with_power(spec) : "";
    if (field.empty()) return Done{};
    if (field == "network")
        return fail(ErrorCode::forbidden,
                    fmt::format("network \"{}\" is not taken over HTTP without a token, where only "
                                "bridge and none are; use schedctl, or schedulerd --token-file",
                                spec.network->substr(0, 64)));
    return fail(ErrorCode::forbidden,
                fmt::format("{} is not taken over HTTP without a token, since any local user could "
                            "send it; use schedctl, or schedulerd --token-file",
                            field));
}

Result<Done> check_rights_over(const Inherited& before,
                               bool is_as_it_is,
                               const JobSpec& given,
                               const Caller& caller) {
    if (!caller.is_anonymous) {
        std::string_view power = before.owner == anonymous_name ? field_with_power(given) : "";
        if (power.empty()) return Done{};
        return fail(ErrorCode::forbidden,
                    fmt::format("{} was set over HTTP without a token, by any local user, so {} is "
                                "not given over it; set it yourself first, or name the image",
                                before.what,
                                power));
    }
    std::string_view field = field_with_power(before.spec);
    if (field.empty() && !before.spec.env.empty() && before.owner != caller.name) field = "env";
    if (!field.empty() && !is_as_it_is)
        return fail(ErrorCode::forbidden,
                    fmt::format("{} has {}, so over HTTP without a token it runs as it is: leave "
                                "out what else is to run; or use schedctl, or schedulerd "
                                "--token-file",
                                before.what,
                                field));
    return check_rights(given, caller);
}

Result<Done> check_owner(const std::string& owner, const std::string& what, const Caller& caller) {
    if (!caller.is_anonymous || owner == caller.name) return Done{};
    return fail(ErrorCode::forbidden,
                fmt::format("{} was set by {}; over HTTP without a token only what was set so can "
                            "be changed: use schedctl, or schedulerd --token-file",
                            what,
                            owner));
}

}  // namespace scheduler
