#include "daemon/engine/docker/engine_answers.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/engine/docker/container_spec.hpp"
#include "daemon/engine/docker/docker_time.hpp"
#include "daemon/engine/docker/event_stream.hpp"
#include "daemon/engine/docker/url.hpp"

using namespace scheduler;
using Phase = ContainerState::Phase;

namespace {

std::string inspect_body(const std::string& state) {
    return R"({"Id":"abc","State":)" + state + R"(,"Config":{"Labels":{"schedulerd.job":"j"}}})";
}

}  // namespace

TEST_CASE("engine times have up to nine digits, and year 1 is none", "[engine]") {
    using std::chrono::nanoseconds;
    auto nanos = [](const char* text) {
        return parse_engine_nanos(text)->time_since_epoch().count();
    };
    CHECK(nanos("1970-01-01T00:00:00Z") == 0);
    CHECK(nanos("2026-11-23T16:24:38Z") == 1'795'451'078'000'000'000);
    CHECK(nanos("2026-11-23T16:24:38.9Z") == 1'795'451'078'900'000'000);
    CHECK(nanos("2026-11-23T16:24:38.91440173Z") == 1'795'451'078'914'401'730);
    CHECK(nanos("2026-11-23T16:24:38.000000001Z") == 1'795'451'078'000'000'001);
    CHECK(nanos("2026-11-23T17:24:38.123456789+01:00") == 1'795'451'078'123'456'789);
    CHECK(parse_engine_time("2026-11-23T16:24:38.9999Z")->time_since_epoch().count() ==
          1'795'451'078'999);
    for (const char* text : {"0001-01-01T00:00:00Z",
                             "1969-12-31T23:59:59Z",
                             "2262-01-01T00:00:00Z",
                             "9999-12-31T00:00:00Z",
                             "",
                             "yesterday",
                             "2026-11-23T16:24:38.1234567890Z"})
        CHECK_FALSE(parse_engine_nanos(text));
}

TEST_CASE("an inspect becomes a state", "[engine]") {
    auto created = parse_inspect(inspect_body(
        R"({"Status":"created","ExitCode":127,"Error":"no such file","StartedAt":"0001-01-01T00:00:00Z","FinishedAt":"0001-01-01T00:00:00Z"})"));
    REQUIRE(created);
    CHECK(created->phase == Phase::created);
    CHECK(created->exit_code == 127);
    CHECK(created->error == "no such file");
    CHECK_FALSE(created->started_at);
    CHECK(created->labels.at("schedulerd.job") == "j");

    auto ended = parse_inspect(inspect_body(
        R"({"Status":"exited","ExitCode":3,"OOMKilled":true,"StartedAt":"2026-11-23T16:24:38.5Z","FinishedAt":"2026-11-23T16:24:38.496Z"})"));
    REQUIRE(ended);
    CHECK(ended->phase == Phase::ended);
    CHECK(ended->exit_code == 3);
    CHECK(ended->out_of_memory);
    CHECK(ended->finished_at == ended->started_at);  // never before the start
}

TEST_CASE("each word for a container's state has its phase", "[engine]") {
    auto phase = [](const std::string& word) {
        return parse_inspect(inspect_body(R"({"ExitCode":0,"Status":")" + word + "\"}"))->phase;
    };
    for (const char* word : {"running", "paused", "restarting", "stopping"})
        CHECK(phase(word) == Phase::running);
    for (const char* word : {"exited", "dead", "stopped"})
        CHECK(phase(word) == Phase::ended);
    for (const char* word : {"created", "configured", "initialized"})
        CHECK(phase(word) == Phase::created);
    CHECK(phase("removing") == Phase::removing);
}

TEST_CASE("an answer of another form is an error, never an exception", "[engine]") {
    for (const char* body :
         {"",
          "null",
          "[]",
          "{}",
          "{\"Id\":1,\"State\":{}}",
          "{\"Id\":\"a\",\"State\":[]}",
          "{\"Id\":\"a\",\"State\":{\"Status\":7,\"ExitCode\":0}}",
          "{\"Id\":\"a\",\"State\":{\"Status\":\"odd\",\"ExitCode\":0}}",
          "{\"Id\":\"a\",\"State\":{\"Status\":\"exited\"}}",
          "{\"Id\":\"a\",\"State\":{\"Status\":\"exited\",\"ExitCode\":\"0\"}}",
          "{\"Id\":\"a\",\"State\":{\"Status\":\"exited\",\"ExitCode\":0.5}}",
          "{\"Id\":\"a\",\"State\":{\"Status\":\"exited\",\"ExitCode\":18446744073709551615}}"}) {
        INFO(body);
        CHECK_FALSE(parse_inspect(body));
        std::vector<std::string> warnings;
        if (std::string_view(body).find("\"a\"") == std::string_view::npos)
            CHECK_FALSE(parse_created(body, warnings));
    }
    CHECK_FALSE(parse_list("{}"));
    CHECK_FALSE(parse_list("[1]"));
    CHECK_FALSE(parse_info("[]", false));
}

TEST_CASE("a list becomes summaries", "[engine]") {
    auto list = parse_list(
        R"([{"Id":"a","Names":["/n1"],"State":"running","Labels":{"k":"v"}},{"Id":"b","Names":null,"State":"exited","Labels":null}])");
    REQUIRE(list);
    REQUIRE(list->size() == 2);
    CHECK((*list)[0].name == "n1");
    CHECK((*list)[0].is_running);
    CHECK((*list)[0].labels.at("k") == "v");
    CHECK_FALSE((*list)[1].is_running);
}

TEST_CASE("the version is the newest that both know, and too old is said", "[engine]") {
    CHECK(negotiate_version("1.41").value() == "1.41");
    CHECK(negotiate_version("1.46").value() == "1.46");
    CHECK(negotiate_version("1.99").value() == "1.47");
    CHECK(negotiate_version("2.0").value() == "1.47");
    CHECK_THAT(negotiate_version("1.40").error().message, Catch::Contains("1.40 is too old"));
    for (const char* text : {"", "1", "1.", "x.y", "1.41-beta"})
        CHECK_FALSE(negotiate_version(text));
}

TEST_CASE("the identity tells engines with the same ID apart by their data", "[engine]") {
    auto docker = parse_info(
        R"({"ID":"A:B","DockerRootDir":"/d","ServerVersion":"20.10.24+dfsg1","NCPU":4})", false);
    REQUIRE(docker);
    CHECK(docker->id == "A:B /d");
    CHECK(docker->name == "Docker 20.10.24");
    CHECK(docker->cores == 4);
    auto podman = parse_info(
        R"({"ID":"random","Name":"host","DockerRootDir":"/c","ServerVersion":"4.3.1"})", true);
    REQUIRE(podman);
    CHECK(podman->id == "host /c");
    CHECK(podman->name == "Podman 4.3.1");
    CHECK(podman->cores == 1);
}

TEST_CASE("error bodies are JSON, text or nothing, and short", "[engine]") {
    CHECK(error_message(404, "{\"message\":\" No such image: x\\n\"}") == "No such image: x");
    CHECK(error_message(400, "client version 1.11 is too old.\n") ==
          "client version 1.11 is too old.");
    CHECK(error_message(500, R"({"cause":"c","message":"m","response":500})") == "m");
    CHECK_THAT(error_message(502, " \n"), Catch::Contains("502"));
    CHECK(error_message(500, "{\"message\":5}") == "{\"message\":5}");
    CHECK(error_message(500, std::string(100'000, 'x')).size() < 2100);
}

TEST_CASE("a create request holds what was asked, and keeps the log", "[engine]") {
    ContainerRequest request;
    request.image = "test/busybox:1";
    request.spec.command = {"sh", "-c", "echo \"hi\"\xff"};
    request.spec.env = {{"A", "1=2"}, {"B", ""}};
    request.labels = {{"schedulerd.job", "abc"}};
    request.log_bytes_max = 1'000'000;
    auto body = nlohmann::json::parse(create_body(request, false));
    CHECK(body["Image"] == "test/busybox:1");
    CHECK(body["Cmd"] == nlohmann::json({"sh", "-c", "echo \"hi\"\ufffd"}));
    CHECK(body["Env"] == nlohmann::json({"A=1=2", "B="}));
    CHECK(body["Labels"]["schedulerd.job"] == "abc");
    CHECK(body["Tty"] == false);
    CHECK(body["HostConfig"]["AutoRemove"] == false);
    CHECK(body["HostConfig"]["RestartPolicy"]["Name"] == "no");
    auto log = body["HostConfig"]["LogConfig"];
    CHECK(log["Type"] == "local");
    CHECK(log["Config"]["max-size"] == std::to_string(64 * 1024 * 1024));
    CHECK(log["Config"]["max-file"] == "2");
    request.log_bytes_max = 10'000'000;  // 14 times that is more than the least
    log = nlohmann::json::parse(create_body(request, false))["HostConfig"]["LogConfig"];
    CHECK(log["Config"]["max-size"] == "140000000");
    log = nlohmann::json::parse(create_body(request, true))["HostConfig"]["LogConfig"];
    CHECK(log["Type"] == "json-file");  // Podman knows no other that can be read
    CHECK(log["Config"]["max-size"] == "560000000");

    request.spec.command.clear();
    CHECK_FALSE(nlohmann::json::parse(create_body(request, false)).contains("Cmd"));
}

TEST_CASE("a create request holds each field of a specification in the engine's words",
          "[engine]") {
    ContainerRequest request;
    request.image = "i:1";
    JobSpec& spec = request.spec;
    spec.entrypoint = {"/bin/sh"};
    spec.workdir = "/data";
    spec.user = "1000:1000";
    spec.hostname = "h";
    spec.memory = Size{64 << 20};
    spec.cpus = Cpus{1'500'000'000};
    spec.pids_limit = 100;
    spec.shm_size = Size{1 << 20};
    spec.ulimits = {{"nofile", 1024, 2048}};
    spec.network = "none";
    spec.mounts = {{MountType::bind, "/etc", "/e", true},
                   {MountType::volume, std::nullopt, "/v", false},
                   {MountType::tmpfs, std::nullopt, "/t", false}};
    spec.tmpfs = {{"/run", ""}, {"/tmp", "size=1m"}};
    spec.read_only = true;
    spec.cap_add = {"NET_ADMIN"};
    spec.cap_drop = {"ALL"};
    spec.security_opt = {"no-new-privileges"};
    spec.init = false;
    spec.gpus = Gpus{2, {}};
    spec.stop_grace = Span{Duration(1500)};
    auto body = nlohmann::json::parse(create_body(request, false));
    CHECK(body["Entrypoint"] == nlohmann::json({"/bin/sh"}));
    CHECK(body["WorkingDir"] == "/data");
    CHECK(body["User"] == "1000:1000");
    CHECK(body["Hostname"] == "h");
    CHECK(body["StopTimeout"] == 2);
    auto host = body["HostConfig"];
    host.erase("LogConfig");
    CHECK(host == nlohmann::json::parse(R"({
        "RestartPolicy":{"Name":"no"}, "AutoRemove":false,
        "Memory":67108864, "NanoCpus":1500000000, "PidsLimit":100, "ShmSize":1048576,
        "Ulimits":[{"Name":"nofile","Soft":1024,"Hard":2048}],
        "NetworkMode":"none",
        "Mounts":[{"Type":"bind","Source":"/etc","Target":"/e","ReadOnly":true},
                  {"Type":"volume","Target":"/v"},{"Type":"tmpfs","Target":"/t"}],
        "Tmpfs":{"/run":"","/tmp":"size=1m"}, "ReadonlyRootfs":true,
        "CapAdd":["NET_ADMIN"], "CapDrop":["ALL"], "SecurityOpt":["no-new-privileges"],
        "Init":false,
        "DeviceRequests":[{"Driver":"","Capabilities":[["gpu"]],"Count":2}]})"));
    spec.gpus = Gpus{0, {"0", "1"}};
    CHECK(
        nlohmann::json::parse(create_body(request, false))["HostConfig"]["DeviceRequests"] ==
        nlohmann::json::parse(R"([{"Driver":"","Capabilities":[["gpu"]],"DeviceIDs":["0","1"]}])"));
}

TEST_CASE("what is not asked for is left to the engine", "[engine]") {
    ContainerRequest request;
    request.image = "i:1";
    auto body = nlohmann::json::parse(create_body(request, false));
    CHECK(body.size() == 5);  // Image, Env, Labels, Tty, HostConfig
    CHECK(body["HostConfig"].size() == 3);
}

TEST_CASE("the limits that a container was created with are read", "[engine]") {
    auto limits = [](const std::string& host) {
        return parse_inspect(
                   R"({"Id":"a","State":{"Status":"created","ExitCode":0},"HostConfig":)" + host +
                   '}')
            ->limits;
    };
    LimitsInForce all = limits(R"({"Memory":67108864,"NanoCpus":5,"PidsLimit":100})");
    CHECK((all.memory && all.cpus && all.pids));
    LimitsInForce none = limits(R"({"Memory":0,"NanoCpus":0,"PidsLimit":null})");
    CHECK_FALSE((none.memory || none.cpus || none.pids));
    CHECK_FALSE(limits(R"({"PidsLimit":-1})").pids);
    CHECK(limits(R"({"CpuQuota":150000,"CpuPeriod":100000})").cpus);  // as Podman says it
    CHECK_FALSE(limits("null").memory);
    const std::vector<Ulimit> files{{"nofile", 64, 128}};
    CHECK(limits(R"({"Ulimits":[{"Name":"nofile","Soft":64,"Hard":128}]})").ulimits == files);
    CHECK(limits(R"({"Ulimits":[{"Name":"RLIMIT_NOFILE","Soft":64,"Hard":128}]})").ulimits ==
          files);
    CHECK(limits(R"({"Ulimits":null})").ulimits.empty());
}

TEST_CASE("filters and paths are encoded", "[engine]") {
    CHECK(filters_json({{"label", {"k=v"}}, {"event", {"die", "died"}}}) ==
          R"({"label":["k=v"],"event":["die","died"]})");
    CHECK(url_query({{"a", "1"}, {"f", "{\"x y\"}"}}) == "?a=1&f=%7B%22x%20y%22%7D");
    CHECK(percent_encode("../a?b#c\r\n") == "..%2Fa%3Fb%23c%0D%0A");
    CHECK(percent_encode("r/n:1@sha256:a", "/:@") == "r/n:1@sha256:a");
}

TEST_CASE("only the end of a container counts as its end", "[engine]") {
    auto of = [](std::string_view action) {
        return parse_container_event(
            fmt::format(R"({{"Type":"container","Action":"{}","Actor":{{"ID":"c1"}}}})", action));
    };
    CHECK(of("die")->container == "c1");
    CHECK(of("die")->is_end);
    CHECK(of("died")->is_end);
    CHECK_FALSE(of("start")->is_end);
    for (const char* text : {R"({"Type":"network","Action":"die","Actor":{"ID":"c1"}})",
                             R"({"Type":"container","Action":"die","Actor":{"ID":1}})",
                             R"({"Type":"container","Action":"die"})",
                             "[]",
                             "{",
                             ""})
        CHECK_FALSE(parse_container_event(text));
}

TEST_CASE("event lines are the same wherever the reads are split", "[engine]") {
    std::string body = R"({"Type":"container","Action":"die","Actor":{"ID":"c1"}})"
                       "\n"
                       R"({"Type":"container","Action":"die","Actor":{"ID":"c2"}})"
                       "\r\n";
    for (std::size_t split = 0; split <= body.size(); ++split) {
        std::vector<std::string> ended;
        EventLines lines([&](const ContainerEvent& event) { ended.push_back(event.container); });
        CHECK(lines.feed(std::string_view(body).substr(0, split)));
        CHECK(lines.feed(std::string_view(body).substr(split)));
        CHECK(ended == std::vector<std::string>{"c1", "c2"});
    }
}

TEST_CASE("an event line has a limit", "[engine]") {
    EventLines lines([](const ContainerEvent&) {});
    CHECK(lines.feed(std::string(EventLines::line_bytes_max, 'x')));
    CHECK_FALSE(lines.feed("x"));
    EventLines whole([](const ContainerEvent&) {});
    CHECK_FALSE(whole.feed(std::string(EventLines::line_bytes_max + 1, 'x') + "\n"));
}
