/// backup over the socket; HTTP has no route for it, since it writes a file as the daemon's user.

#include <filesystem>

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/support/front_ends.hpp"

namespace scheduler::test {

TEST_CASE("backup writes a new file for its owner alone", "[contract]") {
    DaemonProcess daemon;
    OverSocket front(daemon);
    REQUIRE(front.call("add", {{"job_name", "busybox"}, {"time", "1h"}}).is_ok);
    std::string file = daemon.dir() / "copy.db";
    Outcome outcome = front.call("backup", {{"file", file}});
    INFO(outcome.message);
    REQUIRE(outcome.is_ok);
    CHECK(outcome.value.at("file") == file);
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == 0600U);
    CHECK(outcome.value.at("bytes") == status.st_size);
    CHECK(outcome.value.at("message").get<std::string>().find("the database is copied to " +
                                                              file) == 0);
    for (const auto& entry : std::filesystem::directory_iterator(daemon.dir().path()))
        CHECK(entry.path().extension() != ".unfinished");
    CHECK_FALSE(std::filesystem::exists(file + "-wal"));

    Outcome again = front.call("backup", {{"file", file}});
    CHECK(again.code == "bad_field");
    CHECK(again.message ==
          file + " is there already, and a backup never replaces a file; give another name");
}

TEST_CASE("backup refuses a path that can't be meant", "[contract]") {
    DaemonProcess& daemon = shared_daemon();
    OverSocket front(daemon);
    std::string missing = daemon.dir() / "nowhere/copy.db";
    std::filesystem::create_symlink("nowhere", daemon.dir() / "dangling");
    for (const std::string& file : {std::string(),
                                    std::string("copy.db"),
                                    std::string("/"),
                                    daemon.dir().path().native() + "/",
                                    daemon.dir().path().native() + "/..",
                                    missing,
                                    daemon.dir().path().native(),
                                    (daemon.dir() / "dangling").native(),
                                    std::string("/tmp/") + std::string(5000, 'x')}) {
        INFO(file);
        CHECK(front.call("backup", {{"file", file}}).code == "bad_field");
    }
    CHECK(front.call("backup", {{"file", missing}}).message.find("there is no directory ") == 0);
    CHECK(front.call("backup", {{"file", std::string("/") + std::string(3999, 'x')}}).code != "");
    CHECK(front.call("backup").code == "bad_field");
}

TEST_CASE("backup has no route over HTTP", "[contract]") {
    HttpClient client(shared_daemon().port());
    CHECK(client.ask("POST", "/backup", {}, "").status == 404);
}

}  // namespace scheduler::test
