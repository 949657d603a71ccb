#include "common/gpus.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace scheduler {
namespace {

constexpr std::string_view device_is = "device=";

Failure<Error> bad_gpus(std::string_view text) {
    return fail(ErrorCode::bad_field,
                fmt::format("value \"{}\" is not all, a count from 1 to {}, or device=ID,ID with "
                            "at most {} ids",
                            text.substr(0, 64),
                            Gpus::count_max,
                            Gpus::devices_max));
}

/// An index, or a UUID such as GPU-3a23c669-1f69-c64e-cf85-44e9b07e7a2a.
bool is_device_id(std::string_view text) {
    constexpr std::size_t bytes_max = 128;
    auto is_fine = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == ':' || c == '.' || c == '_' || c == '/';
    };
    return !text.empty() && text.size() <= bytes_max &&
           std::all_of(text.begin(), text.end(), is_fine);
}

/// docker's own words want quotes around a list: `--gpus '"device=0,1"'`.
std::string_view without_quotes(std::string_view text) {
    bool is_quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
    return is_quoted ? text.substr(1, text.size() - 2) : text;
}

}  // namespace

Result<Gpus> Gpus::parse(std::string_view text) {
    Gpus gpus;
    std::string_view words = without_quotes(text);
    if (words == "all") {
        gpus.count = all;
        return gpus;
    }
    if (words.starts_with(device_is)) {
        std::string_view rest = words.substr(device_is.size());
        for (bool is_last = false; !is_last;) {
            auto comma = rest.find(',');
            is_last = comma == std::string_view::npos;
            std::string_view id = rest.substr(0, comma);
            if (!is_device_id(id) || gpus.devices.size() == devices_max) return bad_gpus(text);
            gpus.devices.emplace_back(id);
            if (!is_last) rest.remove_prefix(comma + 1);
        }
        return gpus;
    }
    auto [end, error] = std::from_chars(words.data(), words.data() + words.size(), gpus.count);
    if (error != std::errc() || end != words.data() + words.size() || gpus.count < 1 ||
        gpus.count > count_max)
        return bad_gpus(text);
    return gpus;
}

std::string Gpus::to_string() const {
    if (!devices.empty()) return fmt::format("{}{}", device_is, fmt::join(devices, ","));
    return count == all ? "all" : std::to_string(count);
}

}  // namespace scheduler
