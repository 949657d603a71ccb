/// What a person does with jobs that wait: edit, hold, release, and repeats of them.

#include <catch2/catch.hpp>

#include "tests/support/live_daemon.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler::test {
namespace {

const std::string image = "test/busybox:1";

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a job is edited, held and let go from the command line", "[integration]") {
    LiveDaemon daemon;
    CHECK_FALSE(daemon.ask({"add", image, "--in", "1h", "-q", "--", "echo", "old"}).empty());
    auto edited = daemon.schedctl({"edit", "last", "--in", "2h", "-e", "A=1", "--", "echo", "new"});
    CHECK(edited.exit_code == 0);
    CHECK(has(edited.out, " was changed: it is due "));
    CHECK(has(edited.err, "job 1, due "));
    CHECK(has(edited.err, "in 2h"));
    auto shown = daemon.schedctl({"show", "1"}).out;
    CHECK(has(shown, "Command    echo new\nEnv        A=hidden\n"));
    CHECK(daemon.schedctl({"edit", "1", "--unset", "env"}).exit_code == 0);
    CHECK_FALSE(has(daemon.schedctl({"show", "1"}).out, "Env "));

    CHECK(has(daemon.ask({"hold", "1"}), " is held: it is not started until `release`"));
    CHECK(daemon.schedctl({"edit", "1", "--in", "0s"}).exit_code == 0);
    shown = daemon.schedctl({"show", "1"}).out;
    CHECK(has(shown, "Held       by uid:"));
    CHECK_FALSE(has(shown, "overdue"));
    CHECK(has(daemon.ask({"why", "1"}), "is held by uid:"));
    CHECK(daemon.status("1") == "scheduled");
    CHECK(has(daemon.ask({"release", "1"}), " is released"));
    CHECK(daemon.schedctl({"wait", "1"}).exit_code == 0);
    CHECK(daemon.schedctl({"logs", "1"}).out == "new\n");
    auto late = daemon.schedctl({"edit", "1", "--in", "1h"});
    CHECK(late.exit_code == 1);
    CHECK(has(late.err, "is in history already"));
}

TEST_CASE("an edit that makes no sense is a usage error", "[integration]") {
    LiveDaemon daemon;
    CHECK(daemon.schedctl({"edit", "1"}).err ==
          "schedctl: nothing is to be changed: give --in, --at, --unset or what is to run\n");
    auto both = daemon.schedctl({"edit", "1", "--in", "1h", "--at", "20:00"});
    CHECK(both.exit_code == 2);
    CHECK(both.err == "schedctl: give only one of --in and --at\n");
    CHECK(daemon.schedctl({"edit", "1", "--in", "1h"}).exit_code == 4);
}

TEST_CASE("a script is run, and a job is repeated with what it ran", "[integration]") {
    LiveDaemon daemon;
    TempDir dir;
    auto script = dir.write("script.sh", "for word in a b; do\n  echo \"$word $WHO\"\ndone\n");
    auto ran =
        daemon.schedctl({"add", image, "--now", "--follow", "-e", "WHO=me", "-f", script.string()});
    CHECK(ran.exit_code == 0);
    CHECK(ran.out == "a me\nb me\n");
    auto again = daemon.schedctl({"add", "--from", "1", "--now", "--follow"});
    CHECK(again.out == "a me\nb me\n");
    auto changed = daemon.schedctl({"add", "--from", "1", "--now", "--follow", "-e", "WHO=you"});
    CHECK(changed.out == "a you\nb you\n");
    CHECK(daemon.schedctl({"add", "--from", "999", "--now"}).exit_code == 4);
    auto nothing = daemon.schedctl({"add", "--now"});
    CHECK(nothing.exit_code == 2);
    CHECK(nothing.err == "schedctl: NAME is missing; see schedctl add --help\n");
    auto twice = daemon.schedctl({"add", image, "--now", "-f", script.string(), "--", "echo", "x"});
    CHECK(twice.exit_code == 2);
    CHECK(has(twice.err, "--file is the job's command"));
    CHECK(has(daemon.schedctl({"add", image, "--now", "-f", "/nonexistent"}).err,
              "--file /nonexistent: No such file or directory"));
}

}  // namespace scheduler::test
