/// Definitions as a person uses them: schedctl def, and a job that runs one with a real engine.

#include <fstream>

#include <catch2/catch.hpp>

#include "tests/support/live_daemon.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler::test {
namespace {

using Words = std::vector<std::string>;
const std::string image = "test/busybox:1";

Words with_name(const std::string& name, Words more) {
    Words words{"def", "set", name, "--image", image};
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

}  // namespace

TEST_CASE("a job runs its definition, with what is given at submit over it", "[integration]") {
    LiveDaemon daemon;
    CHECK(
        daemon.ask(with_name(
            "JOB_A",
            {"-e", "WHO=world", "-e", "HOW=loudly", "--", "sh", "-c", "echo hello $WHO, $HOW"})) ==
        "definition JOB_A is set, revision 1");
    auto plain = daemon.schedctl({"add", "JOB_A", "--now", "--follow"});
    CHECK(plain.exit_code == 0);
    CHECK(plain.out == "hello world, loudly\n");
    CHECK(plain.err.find("JOB_A is a definition, revision 1\n") != std::string::npos);
    auto changed = daemon.schedctl({"add", "JOB_A", "--now", "--follow", "-e", "WHO=all"});
    CHECK(changed.out == "hello all, loudly\n");
    std::string shown = daemon.schedctl({"show", "last"}).out;
    CHECK(shown.find("Name       JOB_A (definition, revision 1)\n") != std::string::npos);
    CHECK(shown.find("Env        HOW=hidden WHO=hidden\n") != std::string::npos);
}

TEST_CASE("definitions are listed, shown and removed by name", "[integration]") {
    LiveDaemon daemon;
    CHECK_FALSE(daemon.ask(with_name("backup", {"-m", "64MiB", "--", "backup", "--all"})).empty());
    CHECK_FALSE(daemon.ask(with_name("JOB_A", {})).empty());
    CHECK(daemon.ask({"def", "ls", "-q"}) == "JOB_A\nbackup");
    auto fields = daemon.schedctl({"def", "ls"}).out;
    CHECK(fields.find("JOB_A\t2\t") == 0);
    CHECK(fields.find("\t" + image + "\n") != std::string::npos);
    auto shown = daemon.schedctl({"def", "show", "backup", "nothing"});
    CHECK(shown.exit_code == 1);
    CHECK(shown.out.find("Definition backup\nRevision   1\n") == 0);
    CHECK(shown.out.find("Command    backup --all\nMemory     64MiB\n") != std::string::npos);
    CHECK(shown.err ==
          "schedctl: there is no definition \"nothing\"; schedctl def ls lists them\n");
    CHECK(daemon.ask({"def", "rm", "backup", "JOB_A"}) ==
          "definition backup was removed\ndefinition JOB_A was removed");
    CHECK(daemon.schedctl({"def", "ls"}).out.empty());
}

TEST_CASE("what is exported can be imported, here and elsewhere", "[integration]") {
    LiveDaemon here;
    CHECK_FALSE(here.ask(with_name("JOB_A", {"--", "true"})).empty());
    CHECK_FALSE(here.ask(with_name("JOB_B", {"-e", "TOKEN=s3cret"})).empty());
    auto exported = here.schedctl({"def", "export"});
    CHECK(exported.out ==
          "{\"definitions\":[\n"
          R"({"name":"JOB_A","spec":{"image":"test/busybox:1","command":["true"]}},)"
          "\n"
          R"({"name":"JOB_B","spec":{"image":"test/busybox:1","env":{"TOKEN":"hidden"}}})"
          "\n]}\n");
    CHECK(exported.err.find("environment values are not told") != std::string::npos);
    TempDir dir;
    auto file = dir.write("all.json", exported.out);
    CHECK(here.ask({"def", "import", file}) == "0 definitions set, 2 as before");

    LiveDaemon elsewhere;
    auto refused = elsewhere.schedctl({"def", "import", file});
    CHECK(refused.exit_code == 1);
    CHECK(refused.err.find("definition JOB_B: env TOKEN is \"hidden\"") != std::string::npos);
    CHECK(elsewhere.schedctl({"def", "ls", "-q"}).out.empty());
    auto one = dir.write("one.json", here.schedctl({"def", "export", "JOB_A"}).out);
    CHECK(elsewhere.ask({"def", "import", one}) == "1 definition set, 0 as before");
    auto bad = elsewhere.schedctl({"def", "import", dir.write("bad.json", "{\"definitions\":1}")});
    CHECK(bad.exit_code == 1);
    CHECK(bad.err.find("bad.json: definitions must be an array, not number") != std::string::npos);
}

TEST_CASE("def says what it can do", "[integration]") {
    LiveDaemon daemon;
    auto help = daemon.schedctl({"def", "--help"});
    CHECK(help.exit_code == 0);
    for (const char* command : {"  set ", "  ls ", "  show ", "  rm ", "  export ", "  import "})
        CHECK(help.out.find(command) != std::string::npos);
    CHECK(daemon.schedctl({"help", "def"}).out == help.out);
    auto alone = daemon.schedctl({"def"});
    CHECK(alone.exit_code == 2);
    CHECK(alone.err == help.out);
    auto other = daemon.schedctl({"def", "lst"});
    CHECK(other.exit_code == 2);
    CHECK(other.err.find("there is no command def lst") != std::string::npos);
    CHECK(daemon.schedctl({"help", "def", "set"}).out.find("Usage: schedctl def set NAME") == 0);
    auto no_image = daemon.schedctl({"def", "set", "JOB_A"});
    CHECK(no_image.exit_code == 2);
    CHECK(no_image.err == "schedctl: --image is missing: say which image JOB_A runs\n");
}

}  // namespace scheduler::test
