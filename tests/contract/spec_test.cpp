/// What a job's container gets, over both front ends: each field is taken and shown back, each bad
/// value is refused with its sentence, and nothing that gives power over the host is taken over
/// HTTP without a token.

#include <catch2/catch.hpp>

#include "tests/support/front_ends.hpp"

namespace scheduler::test {
namespace {

template <class Front>
Outcome add(Front& front, const Json& fields) {
    Json params = {{"job_name", "busybox"}, {"time", "1h"}};
    params.update(fields);
    return front.call("add", params);
}

/// A value of each field of a container, as it is given and as it is shown.
struct Field {
    Json given;
    Json shown = {};  ///< null: as given
};

std::vector<std::pair<std::string, Field>> each_field() {
    return {
        {"entrypoint", {{"/bin/sh", "-c"}}},
        {"workdir", {"/data"}},
        {"user", {"1000:1000"}},
        {"labels", {{{"team", "a=b"}, {"empty", ""}}}},
        {"hostname", {"build-1.example"}},
        {"memory", {"512m", "512MiB"}},
        {"memory", {"1073741824B", "1GiB"}},
        {"cpus", {1.5}},
        {"cpus", {"0.25", 0.25}},
        {"cpus", {2, 2}},
        {"pids_limit", {100}},
        {"pids_limit", {-1}},
        {"shm_size", {"1g", "1GiB"}},
        {"ulimits", {{"nofile=1024:2048", "core=0:0"}, {"nofile=1024:2048", "core=0"}}},
        {"network", {"none"}},
        {"network", {"my_network"}},
        {"mounts",
         {Json::array(
             {{{"type", "bind"}, {"source", "/srv"}, {"target", "/s"}, {"read_only", true}},
              {{"type", "volume"}, {"source", "data"}, {"target", "/d"}},
              {{"type", "tmpfs"}, {"target", "/t"}}})}},
        {"tmpfs", {{{"/run", ""}, {"/tmp", "size=64m"}}}},
        {"read_only", {true}},
        {"read_only", {false}},
        {"cap_add", {Json::array({"NET_ADMIN"})}},
        {"cap_drop", {Json::array({"ALL"})}},
        {"security_opt", {{"no-new-privileges", "seccomp=unconfined"}}},
        {"init", {true}},
        {"init", {false}},
        {"gpus", {"all"}},
        {"gpus", {"device=0,1"}},
        {"stop_grace", {"60s", "1m"}},
        {"expires", {"300s", "5m"}},
        {"log_limit", {"128k", "128KiB"}},
        {"retries", {Json::object({{"max", 0}})}},
        {"retries",
         {{{"max", 100},
           {"delay", "60s"},
           {"backoff", "exponential"},
           {"max_delay", "1h"},
           {"on", {"failed", "lost"}}},
          {{"max", 100},
           {"delay", "1m"},
           {"backoff", "exponential"},
           {"max_delay", "1h"},
           {"on", {"failed", "lost"}}}}},
    };
}

}  // namespace

TEMPLATE_TEST_CASE("each field of a container is kept and shown back",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(trusting_daemon(), trusted_token);
    for (const auto& [name, field] : each_field()) {
        Outcome added = add(front, {{name, field.given}});
        INFO(name << ' ' << field.given << added.message);
        REQUIRE(added.is_ok);
        Outcome shown = front.call("show", {{"job_id", added.value.at("id")}});
        REQUIRE(shown.is_ok);
        CHECK(shown.value.at("spec") ==
              Json({{name, field.shown.is_null() ? field.given : field.shown}}));
    }
}

TEMPLATE_TEST_CASE("a bad value is refused with its field, its value and what is allowed",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(trusting_daemon(), trusted_token);
    auto mount = [](Json fields) { return Json::array({std::move(fields)}); };
    const std::string size_form =
        "; write a whole number and a unit (B, KiB, MiB or GiB), such as 10MiB";
    for (const auto& [name, value, message] :
         std::vector<std::tuple<std::string, Json, std::string>>{
             {"entrypoint",
              Json::array({"", "x"}),
              "entrypoint begins with an empty word; the first "
              "word names the program"},
             {"workdir",
              "data",
              "workdir \"data\" is not an absolute path; write one that begins "
              "with /"},
             {"user", "", "user is empty; leave it out to run as the image's own"},
             {"labels",
              {{"schedulerd.job", "x"}},
              "label \"schedulerd.job\" can't be set: names that "
              "begin with schedulerd. are kept for the daemon's "
              "own"},
             {"hostname",
              "a b",
              "hostname \"a b\" is not made of letters, digits, -, _ and ., with a "
              "letter or digit first"},
             {"memory", "512", "memory \"512\" has no unit" + size_form},
             {"memory", "5MiB", "memory 5MiB is too small; it must be at least 6MiB"},
             {"memory", 536870912, "memory must be a string such as \"512MiB\", not number"},
             {"cpus",
              "1,5",
              "cpus \"1,5\" is not a decimal number without sign or exponent; write a "
              "decimal number such as 1.5"},
             {"cpus", 0.001, "cpus 0.001 is not from 0.01 to 65536"},
             {"pids_limit", 0, "pids_limit 0 is not from 1 to 4194304, or -1 for no limit"},
             {"shm_size",
              "1.5g",
              "shm_size \"1.5g\" is not a number and one known unit" + size_form},
             {"ulimits",
              Json::array({"nofile=2:1"}),
              "ulimits[0] \"nofile=2:1\" has a soft limit above the hard one; write NAME=SOFT or "
              "NAME=SOFT:HARD in whole numbers, -1 for unlimited, such as nofile=1024:2048"},
             {"network",
              "a b",
              "network \"a b\" is neither bridge, none, host, container:NAME nor "
              "the name of a network"},
             {"mounts",
              mount({{"type", "bind"}, {"target", "/t"}}),
              "mounts[0].source is missing: a path of the engine's host"},
             {"mounts",
              mount({{"type", "bind"}, {"source", "/s"}, {"target", "t"}}),
              "mounts[0].target \"t\" is not an absolute path; write one that begins with /"},
             {"mounts",
              mount({{"type", "nfs"}, {"target", "/t"}}),
              "mounts[0].type \"nfs\" is not one of bind, volume, tmpfs"},
             {"mounts", "/a:/b", "mounts must be an array, not string"},
             {"tmpfs",
              {{"run", ""}},
              "tmpfs \"run\" is not an absolute path; write one that begins "
              "with /"},
             {"read_only", "yes", "read_only must be true or false, not string"},
             {"cap_add",
              Json::array({"NET_ADMN"}),
              "cap_add \"NET_ADMN\" is no capability; write ALL or a name of capabilities(7), such "
              "as "
              "NET_ADMIN"},
             {"security_opt",
              Json::array({"nonewprivs"}),
              "security_opt \"nonewprivs\" begins with none of no-new-privileges, seccomp, "
              "apparmor, "
              "label, mask, unmask, proc-opts"},
             {"gpus",
              "some",
              "gpus \"some\" is not all, a count from 1 to 1024, or device=ID,ID with "
              "at most 64 ids"},
             {"stop_grace", "2d", "stop_grace 2d is longer than 1d"},
             {"log_limit", "127KiB", "log_limit 127KiB is not from 128KiB to 1GiB"},
             {"log_limit", "1025MiB", "log_limit 1025MiB is not from 128KiB to 1GiB"},
             {"retries", Json::object({{"max", 101}}), "retries.max 101 is not from 0 to 100"},
             {"retries",
              {{"max", 1}, {"delay", "0s"}},
              "retries.delay 0s is too short; it must be at least 1s"},
             {"retries",
              {{"max", 1}, {"on", Json::array({"success"})}},
              "retries.on \"success\" can't be tried again; it takes failed, timed_out, lost"},
             {"expires",
              "0s",
              "expires 0s is too short; it must be at least 1s, or left out for a job that waits "
              "as long as it takes"},
         }) {
        Outcome outcome = add(front, {{name, value}});
        INFO(name << ' ' << value);
        CHECK_FALSE(outcome.is_ok);
        CHECK(outcome.code == "bad_field");
        CHECK(outcome.message == message);
    }
    Outcome late = add(front, {{"stop_grace", "soon"}});
    CHECK(late.code == "bad_time");
    CHECK(late.message.find("stop_grace \"soon\"") == 0);
    Outcome typo = add(
        front,
        {{"mounts", mount({{"type", "bind"}, {"source", "/s"}, {"target", "/t"}, {"ro", true}})}});
    CHECK(typo.code == "unknown_field");
    CHECK(typo.message ==
          "\"mounts[0].ro\" is not a known field; known are type, source, target, read_only");
    Outcome large = add(front, {{"labels", {{"l", std::string(128 * 1024, 'x')}}}});
    CHECK(large.code == "too_large");
}

TEST_CASE("without a token HTTP takes nothing that gives power over the host", "[contract][http]") {
    OverHttp http(shared_daemon());
    OverSocket socket(shared_daemon());
    Json mount = {{"type", "bind"}, {"source", "/"}, {"target", "/host"}};
    for (const auto& [name, value] : std::vector<std::pair<std::string, Json>>{
             {"mounts", Json::array({mount})},
             {"network", "host"},
             {"network", "my_network"},
             {"network", "container:db"},
             {"cap_add", Json::array({"SYS_ADMIN"})},
             {"security_opt", Json::array({"seccomp=unconfined"})},
             {"gpus", "all"}}) {
        INFO(name << ' ' << value);
        for (bool dry_run : {false, true}) {
            Outcome refused = add(http, {{name, value}, {"dry_run", dry_run}});
            CHECK(refused.code == "forbidden");
            CHECK(refused.message.find(name) == 0);
            CHECK(refused.message.find("--token-file") != std::string::npos);
        }
        CHECK(add(socket, {{name, value}}).is_ok);
    }
    for (const char* network : {"bridge", "none"})
        CHECK(add(http, {{"network", network}}).is_ok);
    CHECK(add(http, {{"user", "0"}, {"memory", "64m"}, {"tmpfs", {{"/run", ""}}}}).is_ok);
    CHECK(
        test::http(shared_daemon().port(), "POST", "/job?job_name=a&time=1h&cap_add=ALL").status ==
        403);
}

TEST_CASE("forms and queries hold each field but mounts", "[contract][http]") {
    auto port = shared_daemon().port();
    auto post = [&](const std::string& query) {
        return http(port, "POST", "/job?job_name=busybox&time=1h&" + query);
    };
    auto answer = post(
        "entrypoint=sh&labels=team%3Da%3Db&memory=64m&cpus=0.5&pids_limit=5&ulimits=core%3D0&"
        "ulimits=nofile%3D1%3A2&tmpfs=%2Frun&tmpfs=%2Ftmp%3Asize%3D1m&read_only=true&init&"
        "cap_drop=ALL&network=none&stop_grace=5s");
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    CHECK(answer.json().at("job").at("spec") ==
          Json::parse(R"({"entrypoint":["sh"],"labels":{"team":"a=b"},"memory":"64MiB","cpus":0.5,
            "pids_limit":5,"ulimits":["core=0","nofile=1:2"],"tmpfs":{"/run":"","/tmp":"size=1m"},
            "read_only":true,"init":true,"cap_drop":["ALL"],"network":"none","stop_grace":"5s"})"));
    CHECK(post("mounts=x").message() == "mounts can't be written in a form; send JSON");
    CHECK(post("memory=1g&memory=2g").message() == "memory is given twice");
    CHECK(post("tmpfs=%2Frun&tmpfs=%2Frun%3Asize%3D1m").message() == "tmpfs gives /run twice");
    std::string part = "--XX\r\nContent-Disposition: form-data; name=\"";
    auto multipart =
        http(port,
             "POST",
             "/job",
             {{"Content-Type", "multipart/form-data; boundary=XX"}},
             part + "job_name\"\r\n\r\nbusybox\r\n" + part + "time\"\r\n\r\n1h\r\n" + part +
                 "memory\"\r\n\r\n64m\r\n" + part + "cap_drop\"\r\n\r\nKILL\r\n" + part +
                 "cap_drop\"\r\n\r\nCHOWN\r\n--XX--\r\n");
    INFO(multipart.body);
    REQUIRE(multipart.status == 200);
    CHECK(multipart.json().at("job").at("spec") ==
          Json({{"memory", "64MiB"}, {"cap_drop", {"KILL", "CHOWN"}}}));
}

}  // namespace scheduler::test
