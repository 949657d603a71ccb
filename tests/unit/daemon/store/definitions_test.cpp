/// Definitions in the store: a revision each, all or none, and not more than the limit.

#include <algorithm>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "daemon/base/random.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/manual_executor.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler {
namespace {

using test::TempDir;

NamedSpec named(std::string name, std::string image = "alpine") {
    NamedSpec made{std::move(name), {}};
    made.spec.image = std::move(image);
    return made;
}

struct DefinitionFixture {
    DefinitionFixture() { open(); }
    void open() {
        store.reset();
        auto opened = SqliteStore::open({dir.path() / "db", executor, clock, system_random(), {}});
        REQUIRE(opened);
        store = std::move(*opened);
    }
    DefinitionChange change() {
        return {clock.now(), "uid:1", [this](const Definition& before) -> Result<Done> {
                    asked.push_back(before.name);
                    if (before.name == "fixed") return fail(ErrorCode::forbidden, "not yours");
                    return Done{};
                }};
    }
    Result<std::vector<SetDefinition>> set(std::vector<NamedSpec> definitions) {
        std::optional<Result<std::vector<SetDefinition>>> answer;
        store->set_definitions(std::move(definitions), change(), [&](auto result) {
            answer.emplace(std::move(result));
        });
        executor.run();
        REQUIRE(answer);
        return std::move(*answer);
    }
    Result<Done> remove(const std::string& name) {
        std::optional<Result<Done>> answer;
        store->remove_definition(name, change(), [&](auto result) { answer.emplace(result); });
        executor.run();
        REQUIRE(answer);
        return std::move(*answer);
    }
    std::optional<Definition> find(const std::string& name) {
        auto found = store->definition(name);
        REQUIRE(found);
        return *found;
    }

    TempDir dir;
    FakeClock clock;
    ManualExecutor executor{clock};
    std::vector<std::string> asked;
    std::unique_ptr<SqliteStore> store;
};

}  // namespace

TEST_CASE_METHOD(DefinitionFixture, "a revision is never given twice", "[store]") {
    auto first = set({named("a"), named("b")});
    REQUIRE(first);
    CHECK(first->at(0).definition.revision == 1);
    CHECK(first->at(1).definition.revision == 2);
    auto same = set({named("a")});
    REQUIRE(same);
    CHECK_FALSE(same->front().is_changed);
    CHECK(same->front().definition.revision == 1);
    CHECK(set({named("a", "busybox")})->front().definition.revision == 3);
    CHECK(find("a")->spec.image == "busybox");
    CHECK(find("a")->updated_at.at == clock.now());
    CHECK(find("a")->updated_by == "uid:1");
    REQUIRE(remove("a"));
    CHECK_FALSE(find("a"));
    open();
    CHECK(set({named("a")})->front().definition.revision == 4);
    CHECK(find("b")->revision == 2);
}

TEST_CASE_METHOD(DefinitionFixture,
                 "a set of definitions is stored whole or not at all",
                 "[store]") {
    REQUIRE(set({named("fixed")}));
    auto refused = set({named("a"), named("fixed", "busybox"), named("b")});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message == "not yours");
    CHECK_FALSE(find("a"));
    CHECK_FALSE(find("b"));
    CHECK(remove("fixed").error().message == "not yours");
    CHECK(remove("a").error().code == ErrorCode::not_found);
    // Perhaps more than once for one change.
    CHECK_FALSE(asked.empty());
    CHECK(std::count(asked.begin(), asked.end(), "fixed") ==
          static_cast<std::ptrdiff_t>(asked.size()));
}

TEST_CASE_METHOD(DefinitionFixture, "there are as many definitions as the limit says", "[store]") {
    std::vector<NamedSpec> all;
    for (std::int64_t i = 0; i < DefinitionLimits::definitions; ++i)
        all.push_back(named(fmt::format("d{:05}", i)));
    REQUIRE(set(all));
    auto refused = set({named("one-more")});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::too_large);
    CHECK(refused.error().message == "there are 10000 definitions, which is the most; remove some");
    CHECK(set({named("d00000", "busybox")}));  // in its own place
    REQUIRE(remove("d00001"));
    CHECK(set({named("one-more")}));
}

TEST_CASE_METHOD(DefinitionFixture, "a page ends at its limit, or at its bytes", "[store]") {
    auto large = [](std::string name) {
        NamedSpec made = named(std::move(name));
        made.spec.command = {std::string(1000, 'x')};
        return made;
    };
    REQUIRE(set({large("a"), large("b"), large("c"), named("d")}));
    auto names = [&](const std::string& after, std::int64_t limit, std::size_t bytes) {
        auto page = store->definitions(after, limit, bytes);
        REQUIRE(page);
        std::string text;
        for (const Definition& definition : page->definitions)
            text += definition.name;
        return text + (page->has_more ? "+" : "");
    };
    CHECK(names("", 10, 100'000) == "abcd");
    CHECK(names("", 4, 100'000) == "abcd");
    CHECK(names("", 3, 100'000) == "abc+");
    CHECK(names("c", 3, 100'000) == "d");
    CHECK(names("", 10, 1500) == "ab+");
    CHECK(names("b", 10, 1) == "c+");  // never empty while there are more
    CHECK(names("d", 10, 1).empty());
}

}  // namespace scheduler
