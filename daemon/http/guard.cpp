#include "daemon/http/guard.hpp"

#include <algorithm>

#include <arpa/inet.h>

#include <fmt/format.h>

namespace scheduler {
namespace {

bool is_port(std::string_view text) {
    return text.empty() || (text.front() == ':' &&
                            text.find_first_not_of("0123456789", 1) == std::string_view::npos);
}

/// `localhost` of `localhost:8888` and of `localhost.` (the dot of the root), `::1` of
/// `[::1]:8888`. What is no host with a port stays whole, and so matches nothing.
std::string_view host_without_port(std::string_view host) {
    bool is_bracketed = !host.empty() && host.front() == '[';
    auto end = is_bracketed ? host.find(']') : std::min(host.find(':'), host.size());
    if (end == std::string_view::npos) return host;
    if (is_bracketed) return is_port(host.substr(end + 1)) ? host.substr(1, end - 1) : host;
    if (!is_port(host.substr(end))) return host;
    auto name = host.substr(0, end);
    if (name.size() > 1 && name.back() == '.') name.remove_suffix(1);
    return name;
}

bool is_loopback_address(const std::string& text) {
    in_addr v4{};
    if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24U == 127U;
    in6_addr v6{};
    return ::inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6) != 0;
}

/// An entry of --allowed-host is a name, or a name with a port.
bool is_allowed(std::string_view host, const HttpOptions& options) {
    return std::any_of(options.allowed_hosts.begin(),
                       options.allowed_hosts.end(),
                       [&](const std::string& allowed) {
                           return equals_ignoring_case(allowed, host) ||
                                  equals_ignoring_case(allowed, host_without_port(host));
                       });
}

Result<Done> check_host(std::string_view host,
                        const HttpOptions& options,
                        std::string_view local_address) {
    std::string name = to_lower(host_without_port(host));
    if (name == "localhost" || is_loopback_address(name) || name == local_address ||
        is_allowed(host, options))
        return Done{};
    return fail(
        ErrorCode::forbidden,
        fmt::format(
            "the Host \"{}\" is not allowed; start schedulerd with --allowed-host {} to allow it",
            host.substr(0, 256),
            name.empty() ? "NAME" : name.substr(0, 256)));
}

/// A page of another origin may not use a visitor's browser to reach the daemon (RFC 6454 section
/// 7).
Result<Done> check_origin(const RequestHead& head,
                          std::string_view host,
                          const HttpOptions& options) {
    for (const Header& header : head.headers) {
        if (header.name != "origin") continue;
        std::string_view origin = header.value;
        auto scheme_end = origin.find("://");
        bool is_web =
            scheme_end != std::string_view::npos &&
            (origin.substr(0, scheme_end) == "http" || origin.substr(0, scheme_end) == "https");
        std::string_view origin_host = is_web ? origin.substr(scheme_end + 3) : "";
        bool is_same = is_web && origin.substr(0, scheme_end) == "http" &&
                       equals_ignoring_case(origin_host, host);
        if (is_same || (is_web && is_allowed(origin_host, options))) continue;
        return fail(ErrorCode::forbidden,
                    fmt::format("the Origin \"{}\" is not allowed; start schedulerd with "
                                "--allowed-host {} to allow it",
                                origin.substr(0, 256),
                                is_web ? host_without_port(origin_host) : "NAME"));
    }
    return Done{};
}

Result<Caller> check_token(const RequestHead& head, const HttpOptions& options) {
    const std::string* given = head.find("authorization");
    if (given == nullptr)
        return fail(ErrorCode::unauthorized,
                    "a token is needed; send it as header Authorization: Bearer TOKEN");
    constexpr std::string_view scheme = "bearer ";
    if (!equals_ignoring_case(std::string_view(*given).substr(0, scheme.size()), scheme))
        return fail(ErrorCode::unauthorized, "only Authorization: Bearer TOKEN is understood");
    std::string_view token = std::string_view(*given).substr(scheme.size());
    const std::string* name = nullptr;
    for (const auto& [secret, owner] : options.tokens)
        if (equals_in_constant_time(secret, token)) name = &owner;
    if (name == nullptr)
        return fail(ErrorCode::unauthorized,
                    "the token is not known; schedulerd's --token-file lists those that are");
    return Caller{"token:" + *name};
}

}  // namespace

Result<Caller> admit(const RequestHead& head,
                     const Target& target,
                     const HttpOptions& options,
                     std::string_view local_address) {
    const std::string* header = head.find("host");
    // HTTP/1.0 may come without a Host; browsers always send one. The absolute form's authority
    // wins over the header (RFC 9112 section 3.2.2), and both must be allowed.
    std::string_view host = header != nullptr ? std::string_view(*header) : "localhost";
    if (auto allowed = check_host(host, options, local_address); !allowed)
        return fail(allowed.error());
    if (!target.authority.empty()) {
        host = target.authority;
        if (auto allowed = check_host(host, options, local_address); !allowed)
            return fail(allowed.error());
    }
    if (auto allowed = check_origin(head, host, options); !allowed) return fail(allowed.error());
    bool is_probe = target.path == "/healthz" || target.path == "/readyz";
    if (options.tokens.empty() || is_probe) return Caller{std::string(anonymous_name), true};
    return check_token(head, options);
}

bool equals_in_constant_time(std::string_view left, std::string_view right) {
    if (left.size() != right.size()) return false;
    volatile unsigned char difference = 0;
    for (std::size_t i = 0; i < left.size(); ++i)
        difference = static_cast<unsigned char>(difference | (left[i] ^ right[i]));
    return difference == 0;
}

}  // namespace scheduler
