/// backup in the service: one at a time, and a failure leaves nothing.

#include "daemon/service/backup.hpp"

#include <catch2/catch.hpp>

#include "daemon/service/service.hpp"
#include "tests/support/dispatch_world.hpp"

namespace scheduler::test {
namespace {

struct BackupWorld : DispatchWorld {
    BackupWorld()
        : service(*store, *spool, *dispatcher, events, metrics, clock, executor, executor) {
        ServiceOptions options;
        options.instance = "i1";
        service.set_options(std::move(options));
    }

    std::shared_ptr<std::optional<Result<BackupResponse>>> begin(const std::string& name) {
        auto answer = std::make_shared<std::optional<Result<BackupResponse>>>();
        service.handle(BackupRequest{dir / name}, {"test"}, [answer](Result<BackupResponse> made) {
            answer->emplace(std::move(made));
        });
        return answer;
    }
    /// The file that a backup has until it is whole.
    static constexpr const char* unfinished = "backup-of-i1.unfinished";

    bool is_there(const std::string& name) const { return std::filesystem::exists(dir / name); }

    Service service;
};

}  // namespace

TEST_CASE_METHOD(BackupWorld, "one backup is made at a time", "[service][backup]") {
    (void)add(1h);
    auto first = begin("first");
    auto second = begin("second");
    REQUIRE(*second);
    CHECK((**second).error().code == ErrorCode::busy);
    executor.run();
    REQUIRE(*first);
    REQUIRE(**first);
    CHECK(is_there("first"));
    auto third = begin("third");
    executor.run();
    REQUIRE(*third);
    CHECK(**third);
    CHECK_FALSE(is_there("second"));
}

TEST_CASE_METHOD(BackupWorld, "a file that comes meanwhile is not replaced", "[service][backup]") {
    auto answer = begin("copy");
    auto file = dir.write("copy", "someone's");
    executor.run();
    REQUIRE(*answer);
    CHECK((**answer).error().code == ErrorCode::bad_field);
    CHECK(std::filesystem::file_size(file) == 9);
    CHECK_FALSE(is_there(unfinished));
    auto next = begin("next");
    executor.run();
    CHECK(**next);
}

TEST_CASE_METHOD(BackupWorld,
                 "what a crash left is replaced by the next backup, whatever its name",
                 "[service][backup]") {
    (void)dir.write(unfinished, "half of a database");
    (void)dir.write("backup-of-another.unfinished", "someone else's, who may be writing it");
    auto answer = begin("copy");
    executor.run();
    REQUIRE(*answer);
    REQUIRE(**answer);
    CHECK_FALSE(is_there(unfinished));
    CHECK(is_there("backup-of-another.unfinished"));
}

TEST_CASE_METHOD(BackupWorld, "a start removes what a crash left", "[service][backup]") {
    (void)dir.write(unfinished, "half of a database");
    (void)dir.write("copy", "a whole one");
    Backup::remove_unfinished(dir.path(), "i1");
    CHECK_FALSE(is_there(unfinished));
    CHECK(is_there("copy"));
    Backup::remove_unfinished(dir / "nowhere", "i1");  // nothing to remove is no trouble
}

TEST_CASE_METHOD(BackupWorld, "a path may have so many bytes", "[service][backup]") {
    std::string longest = "/" + std::string(BackupRequest::path_bytes_max - 1, 'x');
    CHECK(Backup::check(longest, {}));
    CHECK_FALSE(Backup::check(longest + "x", {}));
}

TEST_CASE_METHOD(BackupWorld,
                 "a path that can't be written is refused, and a better one named",
                 "[service][backup]") {
    ServiceOptions options;
    options.state_dir = dir / "state";
    service.set_options(std::move(options));
    const std::string better =
        "give " + (dir / "state/backups/copy.db").native() + ", which schedulerd may write";
    auto nowhere = begin("nowhere/copy.db");
    REQUIRE(*nowhere);
    CHECK((**nowhere).error().code == ErrorCode::bad_field);
    CHECK_THAT((**nowhere).error().message, Catch::Matchers::Contains(better));
    // A directory in which nobody can make a file, root neither.
    std::optional<Result<BackupResponse>> refused;
    service.handle(BackupRequest{"/proc/self/copy.db"}, {"test"}, [&](Result<BackupResponse> made) {
        refused.emplace(std::move(made));
    });
    executor.run();
    REQUIRE(refused);
    REQUIRE_FALSE(*refused);
    CHECK(refused->error().code == ErrorCode::bad_field);
    CHECK_THAT(refused->error().message, Catch::Matchers::StartsWith("can't create /proc/self/"));
    CHECK_THAT(refused->error().message, Catch::Matchers::Contains(better));
    auto next = begin("next");
    executor.run();
    CHECK(**next);
}

}  // namespace scheduler::test
