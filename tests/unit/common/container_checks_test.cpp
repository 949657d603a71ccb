// What of a specification is refused at submit: each bad value with the field, the value and what
// is allowed, each limit at n and n + 1.
#include "common/container_checks.hpp"

#include <catch2/catch.hpp>

#include "common/capabilities.hpp"

using namespace scheduler;
using Catch::Matchers::Contains;

namespace {

std::string error_of(const JobSpec& spec) {
    auto result = check_spec(spec);
    return result ? "" : result.error().message;
}

template <class Change>
std::string error_with(Change change) {
    JobSpec spec;
    change(spec);
    return error_of(spec);
}

Mount bound(std::string source, std::string target) {
    return {MountType::bind, std::move(source), std::move(target), false};
}

std::string path_of(std::size_t bytes) {
    return '/' + std::string(bytes - 1, 'p');
}

/// So many entries, each another one.
std::map<std::string, std::string> entries(std::size_t count, const std::string& prefix) {
    std::map<std::string, std::string> made;
    for (std::size_t i = 0; i < count; ++i)
        made[prefix + std::to_string(i)] = "";
    return made;
}

}  // namespace

TEST_CASE("what docker takes is taken", "[job_spec]") {
    JobSpec spec;
    spec.entrypoint = {""};  // the image's own is dropped
    spec.workdir = "/data dir";
    spec.user = "1000:staff";
    spec.labels = {{"com.example/team", "two\nlines"}, {"empty", ""}, {"schedulerd", "not ours"}};
    spec.hostname = "build-1.example.com";
    spec.memory = Size{SpecLimits::memory_min};
    spec.cpus = Cpus{1'500'000'000};
    spec.pids_limit = -1;
    spec.shm_size = Size{1};
    spec.ulimits = {{"nofile", 1, 2}, {"core", 0, 0}};
    spec.network = "container:db_1";
    spec.mounts = {bound("/etc", "/host"),
                   {MountType::volume, "my_data", "/data", true},
                   {MountType::volume, std::nullopt, "/cache", false},
                   {MountType::tmpfs, std::nullopt, "/scratch", false}};
    spec.tmpfs = {{"/run", ""}, {"/tmp", "size=64m,mode=1777"}};
    spec.cap_add = {"NET_ADMIN", "cap_sys_time", "all"};
    spec.cap_drop = {"ALL"};
    spec.security_opt = {"no-new-privileges", "no-new-privileges:true", "seccomp={}", "label=x:y"};
    spec.gpus = Gpus{Gpus::all, {}};
    spec.stop_grace = Span{Duration(0)};
    CHECK(error_of(spec).empty());
}

TEST_CASE("each length of a container's settings holds at n and breaks at n + 1", "[job_spec]") {
    using Limits = SpecLimits;
    struct Row {
        const char* field;
        std::size_t max;
        void (*set)(JobSpec&, std::size_t);
    };
    auto row = GENERATE(values<Row>({
        {"entrypoint",
         Limits::command_words,
         [](JobSpec& spec, std::size_t n) { spec.entrypoint.assign(n, "w"); }},
        {"workdir",
         Limits::path_bytes,
         [](JobSpec& spec, std::size_t n) { spec.workdir = path_of(n); }},
        {"user",
         Limits::name_bytes,
         [](JobSpec& spec, std::size_t n) { spec.user = std::string(n, 'u'); }},
        {"labels",
         Limits::labels,
         [](JobSpec& spec, std::size_t n) { spec.labels = entries(n, "l"); }},
        {"labels",
         Limits::name_bytes,
         [](JobSpec& spec, std::size_t n) {
             spec.labels = {{std::string(n, 'l'), ""}};
         }},
        {"hostname",
         Limits::hostname_bytes,
         [](JobSpec& spec, std::size_t n) { spec.hostname = std::string(n, 'h'); }},
        {"network",
         Limits::name_bytes,
         [](JobSpec& spec, std::size_t n) { spec.network = std::string(n, 'n'); }},
        {"mounts",
         Limits::list_entries,
         [](JobSpec& spec, std::size_t n) {
             for (std::size_t i = 0; i < n; ++i)
                 spec.mounts.push_back(bound("/s", "/t" + std::to_string(i)));
         }},
        {"mounts[0].source",
         Limits::path_bytes,
         [](JobSpec& spec, std::size_t n) { spec.mounts = {bound(path_of(n), "/t")}; }},
        {"mounts[0].source",
         Limits::name_bytes,
         [](JobSpec& spec, std::size_t n) {
             spec.mounts = {{MountType::volume, std::string(n, 'v'), "/t", false}};
         }},
        {"mounts[0].target",
         Limits::path_bytes,
         [](JobSpec& spec, std::size_t n) { spec.mounts = {bound("/s", path_of(n))}; }},
        {"tmpfs",
         Limits::list_entries,
         [](JobSpec& spec, std::size_t n) { spec.tmpfs = entries(n, "/t"); }},
        {"tmpfs",
         Limits::path_bytes,
         [](JobSpec& spec, std::size_t n) {
             spec.tmpfs = {{path_of(n), ""}};
         }},
        {"cap_add",
         Limits::list_entries,
         [](JobSpec& spec, std::size_t n) { spec.cap_add.assign(n, "KILL"); }},
        {"cap_drop",
         Limits::list_entries,
         [](JobSpec& spec, std::size_t n) { spec.cap_drop.assign(n, "KILL"); }},
        {"security_opt",
         Limits::list_entries,
         [](JobSpec& spec, std::size_t n) { spec.security_opt.assign(n, "label=x"); }},
    }));
    CAPTURE(row.field, row.max);
    JobSpec at_limit, beyond;
    row.set(at_limit, row.max);
    CHECK(error_of(at_limit).empty());
    row.set(beyond, row.max + 1);
    CHECK_THAT(error_of(beyond),
               Catch::Matchers::StartsWith(row.field) && Contains(std::to_string(row.max)));
}

TEST_CASE("each number of a container's limits holds at n and breaks beyond it", "[job_spec]") {
    using Limits = SpecLimits;
    auto memory = [](std::uint64_t bytes) {
        return error_with([&](JobSpec& spec) { spec.memory = Size{bytes}; });
    };
    CHECK(memory(Limits::memory_min).empty());
    CHECK(memory(Limits::memory_min - 1) ==
          "memory 6291455B is too small; it must be at least 6MiB");
    auto cpus = [](std::int64_t nano) {
        return error_with([&](JobSpec& spec) { spec.cpus = Cpus{nano}; });
    };
    CHECK(cpus(Limits::cpus_min.nano).empty());
    CHECK(cpus(Limits::cpus_min.nano - 1) == "cpus 0.009999999 is not from 0.01 to 65536");
    CHECK(cpus(Limits::cpus_max.nano).empty());
    CHECK(cpus(Limits::cpus_max.nano + 1) == "cpus 65536.000000001 is not from 0.01 to 65536");
    auto pids = [](std::int64_t count) {
        return error_with([&](JobSpec& spec) { spec.pids_limit = count; });
    };
    CHECK(pids(1).empty());
    CHECK(pids(-1).empty());
    CHECK(pids(Limits::pids_max).empty());
    for (std::int64_t bad : {std::int64_t{0}, std::int64_t{-2}, Limits::pids_max + 1})
        CHECK(pids(bad) == "pids_limit " + std::to_string(bad) +
                               " is not from 1 to 4194304, or -1 for no limit");
    CHECK_THAT(error_with([](JobSpec& spec) { spec.shm_size = Size{0}; }),
               Contains("shm_size 0B is too small"));
    auto grace = [](Duration length) {
        return error_with([&](JobSpec& spec) { spec.stop_grace = Span{length}; });
    };
    CHECK(grace(Limits::stop_grace_max).empty());
    CHECK(grace(Limits::stop_grace_max + std::chrono::seconds(1)) ==
          "stop_grace 86401s is longer than 1d");
}

TEST_CASE("all text of a container's settings together has a limit", "[job_spec]") {
    JobSpec spec;
    spec.labels = {{"l", std::string(SpecLimits::settings_bytes - 1 - 4, 'x')}};
    spec.mounts = {bound("/a", "/b")};
    CHECK(check_spec(spec));
    spec.mounts = {bound("/a", "/bc")};
    auto refused = check_spec(spec);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::too_large);
    CHECK_THAT(refused.error().message, Contains("131073 bytes; 131072 are allowed"));

    spec = {};
    spec.entrypoint = {std::string(SpecLimits::text_bytes - 2, 'c')};
    spec.command = {""};
    CHECK_THAT(error_of(spec), Contains("begins with an empty word"));
    spec.command = {};
    CHECK(check_spec(spec));
    spec.entrypoint.front() += "cc";
    CHECK(check_spec(spec).error().code == ErrorCode::too_large);
}

TEST_CASE("a bad setting is refused with its field, its value and what is allowed", "[job_spec]") {
    auto [change, message] = GENERATE(table<void (*)(JobSpec&), const char*>({
        {[](JobSpec& spec) {
             spec.entrypoint = {"", "x"};
         },
         "entrypoint begins with an empty word; the first word names the program"},
        {[](JobSpec& spec) { spec.workdir = "data"; },
         "workdir \"data\" is not an absolute path; write one that begins with /"},
        {[](JobSpec& spec) { spec.workdir = ""; },
         "workdir \"\" is not an absolute path; write one that begins with /"},
        {[](JobSpec& spec) { spec.workdir = std::string("/\0", 2); },
         "workdir holds a NUL character"},
        {[](JobSpec& spec) { spec.user = ""; },
         "user is empty; leave it out to run as the image's own"},
        {[](JobSpec& spec) { spec.user = "a b"; },
         "user \"a b\" holds a blank or a control character; write a name or a number, and :GROUP "
         "after it if need be"},
        {[](JobSpec& spec) {
             spec.labels = {{"", "x"}};
         },
         "labels has a label without a name; write NAME=VALUE"},
        {[](JobSpec& spec) {
             spec.labels = {{"schedulerd.job", "x"}};
         },
         "label \"schedulerd.job\" can't be set: names that begin with schedulerd. are kept for "
         "the "
         "daemon's own"},
        {[](JobSpec& spec) {
             spec.labels = {{"a b", "x"}};
         },
         "label \"a b\" has a blank, a control character or a = in its name"},
        {[](JobSpec& spec) {
             spec.labels = {{"a=b", "x"}};
         },
         "label \"a=b\" has a blank, a control character or a = in its name"},
        {[](JobSpec& spec) {
             spec.labels = {{"a", std::string("\0", 1)}};
         },
         "label a holds a NUL character"},
        {[](JobSpec& spec) { spec.hostname = "-a"; },
         "hostname \"-a\" is not made of letters, digits, -, _ and ., with a letter or digit "
         "first"},
        {[](JobSpec& spec) { spec.hostname = ""; },
         "hostname \"\" is not made of letters, digits, -, _ and ., with a letter or digit first"},
        {[](JobSpec& spec) {
             spec.ulimits = {{"core", 0, 0}, {"core", 1, 1}};
         },
         "ulimits gives core twice"},
        {[](JobSpec& spec) { spec.network = "my net"; },
         "network \"my net\" is neither bridge, none, host, container:NAME nor the name of a "
         "network"},
        {[](JobSpec& spec) { spec.network = ""; },
         "network \"\" is neither bridge, none, host, container:NAME nor the name of a network"},
        {[](JobSpec& spec) {
             spec.mounts = {{MountType::bind, std::nullopt, "/t", false}};
         },
         "mounts[0].source is missing: a path of the engine's host"},
        {[](JobSpec& spec) { spec.mounts = {bound("data", "/t")}; },
         "mounts[0].source \"data\" is not an absolute path; write one that begins with /"},
        {[](JobSpec& spec) { spec.mounts = {bound("/s", "t")}; },
         "mounts[0].target \"t\" is not an absolute path; write one that begins with /"},
        {[](JobSpec& spec) { spec.mounts = {bound("/s", "//")}; },
         "mounts[0].target can't be /, the container's own root"},
        {[](JobSpec& spec) {
             spec.mounts = {{MountType::volume, "/s", "/t", false}};
         },
         "mounts[0].source \"/s\" is not the name of a volume: letters, digits, _, . and -, at "
         "least "
         "two; for a path the type is bind"},
        {[](JobSpec& spec) {
             spec.mounts = {{MountType::volume, "v", "/t", false}};
         },
         "mounts[0].source \"v\" is not the name of a volume: letters, digits, _, . and -, at "
         "least "
         "two; for a path the type is bind"},
        {[](JobSpec& spec) {
             spec.mounts = {{MountType::tmpfs, "/s", "/t", false}};
         },
         "mounts[0].source does not go with type tmpfs; leave it out"},
        {[](JobSpec& spec) {
             spec.mounts = {bound("/a", "/t"), bound("/b", "/t/")};
         },
         "mounts[1].target \"/t\" is taken by mounts[0].target; give each mount a target of its "
         "own"},
        {[](JobSpec& spec) {
             spec.mounts = {bound("/a", "/t")};
             spec.tmpfs = {{"/t", ""}};
         },
         "tmpfs \"/t\" is taken by mounts[0].target; give each mount a target of its own"},
        {[](JobSpec& spec) {
             spec.tmpfs = {{"/t:ro", ""}};
         },
         "tmpfs \"/t:ro\" has a : in its path; options stand beside the path"},
        {[](JobSpec& spec) {
             spec.tmpfs = {{"run", ""}};
         },
         "tmpfs \"run\" is not an absolute path; write one that begins with /"},
        {[](JobSpec& spec) {
             spec.tmpfs = {{"/run", "size=1m, mode=1"}};
         },
         "tmpfs /run has a blank or a control character in its options; write them as mount(8) "
         "does, such as size=64m,mode=1777"},
        {[](JobSpec& spec) { spec.cap_add = {"NET_ADMN"}; },
         "cap_add \"NET_ADMN\" is no capability; write ALL or a name of capabilities(7), such as "
         "NET_ADMIN"},
        {[](JobSpec& spec) { spec.cap_drop = {""}; },
         "cap_drop \"\" is no capability; write ALL or a name of capabilities(7), such as "
         "NET_ADMIN"},
        {[](JobSpec& spec) { spec.security_opt = {"no-new-priv"}; },
         "security_opt \"no-new-priv\" begins with none of no-new-privileges, seccomp, apparmor, "
         "label, mask, unmask, proc-opts"},
    }));
    CHECK(error_with(change) == message);
}

TEST_CASE("capabilities are known by both their names", "[job_spec]") {
    for (std::string_view name : capabilities)
        CHECK(is_capability("CAP_" + std::string(name)));
    CHECK(is_capability("sys_admin"));
    CHECK_FALSE(is_capability("CAP_ALL"));
    CHECK_FALSE(is_capability("CAP_"));
    CHECK_FALSE(is_capability("CAP_CAP_KILL"));
}
