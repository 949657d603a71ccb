#include "common/definition.hpp"

#include <catch2/catch.hpp>

namespace scheduler {
namespace {

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("what is given at submit wins, entry by entry where there are names", "[definition]") {
    JobSpec base;
    base.image = "alpine:3.20";
    base.command = {"backup", "--all"};
    base.env = {{"LEVEL", "1"}, {"MODE", "full"}};
    base.labels = {{"team", "a"}};
    base.tmpfs = {{"/run", ""}};
    base.cap_drop = {"ALL"};
    base.read_only = true;
    base.timeout = Span{std::chrono::minutes(10)};
    CHECK(overlay(base, JobSpec{}) == base);

    JobSpec given;
    given.command = {"backup", "--one"};
    given.env = {{"LEVEL", "2"}, {"EXTRA", "x"}};
    given.labels = {{"stage", "test"}};
    given.tmpfs = {{"/run", "size=1m"}, {"/tmp", ""}};
    given.cap_drop = {"CHOWN"};
    given.read_only = false;
    given.user = "1000";
    JobSpec run = overlay(base, given);
    CHECK(run.image == "alpine:3.20");
    CHECK(run.command == Words{"backup", "--one"});
    CHECK(run.env ==
          std::map<std::string, std::string>{{"LEVEL", "2"}, {"MODE", "full"}, {"EXTRA", "x"}});
    CHECK(run.labels == std::map<std::string, std::string>{{"team", "a"}, {"stage", "test"}});
    CHECK(run.tmpfs == std::map<std::string, std::string>{{"/run", "size=1m"}, {"/tmp", ""}});
    CHECK(run.cap_drop == Words{"CHOWN"});
    CHECK(run.read_only == false);
    CHECK(run.user == "1000");
    CHECK(run.timeout == base.timeout);
}

TEST_CASE("an entrypoint of one's own comes without the definition's command", "[definition]") {
    JobSpec base;
    base.entrypoint = {"/bin/backup"};
    base.command = {"--all"};
    JobSpec given;
    given.entrypoint = {"/bin/sh"};
    CHECK(overlay(base, given).command.empty());
    given.command = {"-c", "true"};
    CHECK(overlay(base, given).command == Words{"-c", "true"});
}

TEST_CASE("a value that reads hidden keeps the one before, and needs one", "[definition]") {
    JobSpec before;
    before.env = {{"TOKEN", "secret"}};
    JobSpec spec;
    spec.env = {{"TOKEN", "hidden"}, {"MODE", "full"}};
    JobSpec kept = spec;
    REQUIRE(keep_hidden_values(kept, &before));
    CHECK(kept.env.at("TOKEN") == "secret");
    CHECK(kept.env.at("MODE") == "full");

    const std::string message =
        "env TOKEN is \"hidden\", which stands for a value that is not shown, and there is none; "
        "give its value";
    JobSpec other;
    for (const JobSpec* none : {static_cast<const JobSpec*>(nullptr), &std::as_const(other)}) {
        auto refused = keep_hidden_values(spec, none);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::bad_field);
        CHECK(refused.error().message == message);
    }
}

}  // namespace scheduler
