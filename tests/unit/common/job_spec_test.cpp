#include "common/job_spec.hpp"

#include <catch2/catch.hpp>

#include "common/fields.hpp"

using namespace scheduler;
using Catch::Matchers::Contains;

namespace {

JobSpec with_env(std::size_t count) {
    JobSpec spec;
    for (std::size_t i = 0; i < count; ++i)
        spec.env["V" + std::to_string(i)] = "";
    return spec;
}

std::string error_of(const JobSpec& spec) {
    auto result = check_spec(spec);
    if (result) FAIL("the specification was taken");
    return result.error().message;
}

}  // namespace

TEST_CASE("an empty specification is fine: the job's name is its image", "[job_spec]") {
    CHECK(check_spec({}));
}

TEST_CASE("each limit of a specification holds at n and breaks at n + 1", "[job_spec]") {
    JobSpec spec;
    spec.image = std::string(SpecLimits::image_bytes, 'a');
    CHECK(check_spec(spec));
    *spec.image += 'a';
    CHECK_THAT(error_of(spec), Contains("512 bytes"));

    spec = {};
    spec.command.assign(SpecLimits::command_words, "w");
    CHECK(check_spec(spec));
    spec.command.emplace_back("w");
    CHECK_THAT(error_of(spec), Contains("1024 words"));

    CHECK(check_spec(with_env(SpecLimits::env_variables)));
    CHECK_THAT(error_of(with_env(SpecLimits::env_variables + 1)), Contains("1024 variables"));

    spec = {};
    spec.command = {std::string(SpecLimits::text_bytes - 1 - 4, 'c')};
    spec.env = {{"A", "1"}};
    CHECK(check_spec(spec));
    spec.env["A"] = "12";
    CHECK(check_spec(spec).error().code == ErrorCode::too_large);
}

TEST_CASE("what no engine could take is refused with the reason", "[job_spec]") {
    JobSpec spec;
    spec.image = "";
    CHECK_THAT(error_of(spec), Contains("image is empty"));
    spec.image = std::string("a\0b", 3);
    CHECK_THAT(error_of(spec), Contains("NUL"));
    spec = {};
    spec.command = {""};
    CHECK_THAT(error_of(spec), Contains("empty word"));
    spec.command = {"echo", ""};
    CHECK(check_spec(spec));
    spec.command = {std::string("a\0", 2)};
    CHECK_THAT(error_of(spec), Contains("NUL"));
    spec = {};
    spec.env = {{"", "1"}};
    CHECK_THAT(error_of(spec), Contains("without a name"));
    for (const char* name : {"A B", " ", "A\n", "A\t", "\x1b[31m", "A\x7f"}) {
        spec.env = {{name, "1"}};
        CHECK_THAT(error_of(spec), Contains("a blank or a control character in its name"));
    }
    spec.env = {{"A=B", "1"}};
    CHECK_THAT(error_of(spec), Contains("has a ="));
    spec.env = {{"A", std::string("\0", 1)}};
    CHECK_THAT(error_of(spec), Contains("NUL"));
    spec = {};
    spec.timeout = Span{Duration(0)};
    CHECK_THAT(error_of(spec), Contains("at least 1s"));
}

TEST_CASE("environment values are hidden, names are not", "[job_spec]") {
    JobSpec spec;
    spec.env = {{"TOKEN", "secret"}, {"EMPTY", ""}};
    auto hidden = hide_values(spec);
    CHECK(hidden.env ==
          std::map<std::string, std::string>{{"TOKEN", "hidden"}, {"EMPTY", "hidden"}});
}

TEST_CASE("a job expires so long after it is due, or was added", "[job_spec]") {
    using namespace std::chrono_literals;
    const TimePoint due{1h};
    JobSpec spec;
    CHECK_FALSE(expiry_of(due, due - 1min, spec));
    spec.expires = Span{SpecLimits::expires_min};
    CHECK(check_spec(spec));
    CHECK(expiry_of(due, due - 1min, spec) == due + 1s);
    CHECK(expiry_of(due, due + 1min, spec) == due + 1min + 1s);
    spec.expires = Span{SpecLimits::expires_min - 1s};
    CHECK_THAT(error_of(spec), Contains("expires 0s is too short; it must be at least 1s"));
}

TEST_CASE("a field is either known or of a later version, never both", "[job_spec]") {
    for (std::string_view name : field_names<JobSpec>())
        CHECK_FALSE(is_future_spec_field(name));
    CHECK(is_future_spec_field("pull"));
    CHECK_FALSE(is_future_spec_field("pulls"));
    CHECK_FALSE(is_future_spec_field(""));
}
