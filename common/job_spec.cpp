#include "common/job_spec.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "common/container_checks.hpp"
#include "common/name.hpp"

namespace scheduler {
namespace {

constexpr std::array<std::string_view, 6> future_fields{
    "pull", "registry_auth", "after", "keep", "notify", "prefetch"};

Failure<Error> bad_field(std::string message) {
    return fail(ErrorCode::bad_field, std::move(message));
}

bool has_nul(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}

Result<Done> check_env(const std::map<std::string, std::string>& env) {
    for (const auto& [name, value] : env) {
        if (name.empty()) return bad_field("env has a variable without a name; write NAME=VALUE");
        if (name.find('=') != std::string::npos)
            return bad_field(fmt::format("env variable \"{}\" has a = in its name", name));
        if (has_nul(name) || has_nul(value))
            return bad_field(fmt::format("env variable {} holds a NUL character",
                                         name.substr(0, name.find('\0'))));
        bool has_blank = std::any_of(name.begin(), name.end(), [](char c) {
            return static_cast<unsigned char>(c) <= ' ' || c == 127;
        });
        if (has_blank)
            return bad_field(fmt::format(
                "env variable \"{}\" has a blank or a control character in its name", name));
    }
    return Done{};
}

Result<Done> check_image(const std::string& image) {
    if (image.empty())
        return bad_field("image is empty; leave it out to run job_name as the image");
    if (image.size() > SpecLimits::image_bytes)
        return bad_field(fmt::format("image is longer than {} bytes", SpecLimits::image_bytes));
    if (has_nul(image)) return bad_field("image holds a NUL character");
    return Done{};
}

Result<Done> check_words(std::string_view field, const std::vector<std::string>& words) {
    if (words.size() > SpecLimits::command_words)
        return bad_field(
            fmt::format("{} has more than {} words", field, SpecLimits::command_words));
    for (const std::string& word : words)
        if (has_nul(word)) return bad_field(fmt::format("{} holds a NUL character", field));
    if (words.empty() || !words.front().empty()) return Done{};
    // To engines [""] means: without the image's own.
    if (field == "entrypoint" && words.size() == 1) return Done{};
    return bad_field(
        fmt::format("{} begins with an empty word; the first word names the program", field));
}

/// As execve(2) counts them.
Result<Done> check_text(const JobSpec& spec) {
    std::size_t bytes = 0;
    for (const auto* words : {&spec.entrypoint, &spec.command})
        for (const std::string& word : *words)
            bytes += word.size() + 1;
    for (const auto& [name, value] : spec.env)
        bytes += name.size() + value.size() + 2;
    if (bytes <= SpecLimits::text_bytes) return Done{};
    return fail(ErrorCode::too_large,
                fmt::format("entrypoint, command and env hold {} bytes; {} are allowed",
                            bytes,
                            SpecLimits::text_bytes));
}

}  // namespace

bool is_future_spec_field(std::string_view name) {
    return std::find(future_fields.begin(), future_fields.end(), name) != future_fields.end();
}

Result<Done> check_spec(const JobSpec& spec) {
    if (spec.image)
        if (auto image = check_image(*spec.image); !image) return image;
    if (auto words = check_words("entrypoint", spec.entrypoint); !words) return words;
    if (auto words = check_words("command", spec.command); !words) return words;
    if (spec.env.size() > SpecLimits::env_variables)
        return bad_field(fmt::format("env has more than {} variables", SpecLimits::env_variables));
    if (auto text = check_text(spec); !text) return text;
    if (spec.timeout && spec.timeout->length <= Duration(0))
        return bad_field("timeout is 0s; it must be at least 1s, or left out for no limit");
    if (spec.expires && spec.expires->length < SpecLimits::expires_min)
        return bad_field(
            fmt::format("expires {} is too short; it must be at least {}, or left out "
                        "for a job that waits as long as it takes",
                        spec.expires->to_string(),
                        to_string(SpecLimits::expires_min)));
    if (auto env = check_env(spec.env); !env) return env;
    std::int64_t priority = spec.priority.value_or(0);
    if (priority < -SpecLimits::priority_max || priority > SpecLimits::priority_max)
        return bad_field(fmt::format("priority {} is not from -{} to {}",
                                     priority,
                                     SpecLimits::priority_max,
                                     SpecLimits::priority_max));
    if (spec.group)
        if (auto name = check_name("group", *spec.group); !name) return name;
    if (spec.retries)
        if (auto retries = check_retries(*spec.retries); !retries) return retries;
    return check_container(spec);
}

TimePoint rank_of(TimePoint due_at, const JobSpec& spec) {
    return due_at - std::chrono::minutes(spec.priority.value_or(0));
}

std::optional<TimePoint> expiry_of(TimePoint due_at, TimePoint created_at, const JobSpec& spec) {
    if (!spec.expires) return std::nullopt;
    return std::max(due_at, created_at) + spec.expires->length;
}

JobSpec hide_values(JobSpec spec) {
    for (auto& [name, value] : spec.env)
        value = hidden_value;
    return spec;
}

}  // namespace scheduler
