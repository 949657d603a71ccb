/// Walking through the spool's files.

#include "daemon/spool/scan.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/support/temp_dir.hpp"

namespace scheduler {
namespace {

using Kind = SpoolFile::Kind;
const std::string id = "0197d2c0a5b37a1e8c00112233445566";

TEST_CASE("a file of the spool is known by its name", "[spool]") {
    auto kind_of = [](const std::string& name) {
        return SpoolFile::named("/logs/66/" + name).kind;
    };
    CHECK(kind_of(id + ".1") == Kind::output);
    CHECK(kind_of(id + ".12.part") == Kind::part);
    CHECK(kind_of(id + ".1.whole") == Kind::copy);
    CHECK(kind_of(id + ".1.tmp") == Kind::copy);
    CHECK(kind_of(id + ".1.head") == Kind::copy);
    CHECK(kind_of(id + ".1.joined") == Kind::copy);
    CHECK(kind_of(id + ".1.part.tmp") == Kind::copy);
    CHECK(kind_of(id) == Kind::unknown);
    CHECK(kind_of(id + ".") == Kind::unknown);
    CHECK(kind_of(id + ".0") == Kind::unknown);
    CHECK(kind_of(id + ".1.old") == Kind::unknown);
    CHECK(kind_of(id + ".99999999999") == Kind::unknown);
    CHECK(kind_of(id.substr(1) + ".1") == Kind::unknown);
    CHECK(kind_of("notes") == Kind::unknown);

    auto file = SpoolFile::named("/logs/66/" + id + ".7.part");
    CHECK(file.job.to_string() == id);
    CHECK(file.attempt == 7);
}

TEST_CASE("a scan meets every file once, whatever the size of its steps", "[spool]") {
    test::TempDir dir;
    std::vector<std::string> names;
    for (int i = 0; i < 23; ++i) {
        std::string digit = std::to_string(i % 10);
        names.push_back(
            (dir.write("logs/" + digit + digit + '/' + id + '.' + std::to_string(i + 1), ""))
                .native());
    }
    names.push_back(dir.write("logs/stray", "").native());
    std::filesystem::create_directory(dir / "logs/empty");
    std::sort(names.begin(), names.end());
    for (std::size_t step : {1U, 7U, 100U}) {
        SpoolScan scan(dir / "logs");
        std::vector<std::string> found;
        for (auto files = scan.next(step); files && !files->empty(); files = scan.next(step)) {
            REQUIRE(files->size() <= step);
            for (const SpoolFile& file : *files)
                found.push_back(file.path.native());
        }
        std::sort(found.begin(), found.end());
        CHECK(found == names);
    }
}

TEST_CASE("a spool that is not there yet has no files, one that can't be read is named",
          "[spool]") {
    test::TempDir dir;
    SpoolScan none(dir / "logs");
    REQUIRE(none.next(10));
    CHECK(none.next(10)->empty());

    auto file = dir.write("file", "");
    SpoolScan wrong(file);
    auto files = wrong.next(10);
    REQUIRE_FALSE(files);
    CHECK(files.error().message.find(file.native()) != std::string::npos);
}

}  // namespace
}  // namespace scheduler
