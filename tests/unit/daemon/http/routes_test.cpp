#include "daemon/http/routes.hpp"

#include <set>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "daemon/http/openapi.hpp"

namespace scheduler {
namespace {

RouteMatch match(const std::string& method, const std::string& target) {
    return match_route(method, *parse_target(target));
}

}  // namespace

TEST_CASE("a path names its job", "[http]") {
    auto found = match("GET", "/job/12%2F3/logs");
    REQUIRE(found.route != nullptr);
    CHECK(found.route->operation == "logs");
    CHECK(found.path_fields == FormFields{{"job_id", "12/3"}});
    CHECK(match("HEAD", "/jobs").route == match("GET", "/jobs").route);
}

TEST_CASE("a wrong method leaves what is allowed, an unknown path nothing", "[http]") {
    auto wrong = match("PUT", "/job/x");
    CHECK(wrong.route == nullptr);
    CHECK(wrong.allowed ==
          std::vector<std::string_view>{"GET", "HEAD", "DELETE", "PATCH", "OPTIONS"});
    for (std::string path :
         {"/nothing", "/jobs/", "/job/", "/job/x/", "/job/x/y", "//jobs", "/Jobs"}) {
        INFO(path);
        CHECK(match("GET", path).allowed.empty());
    }
}

TEST_CASE("every operation has a route or a reason in routes.cpp", "[http]") {
    std::set<std::string_view> without{"add_batch", "backup", "wait"};
    std::set<std::string_view> routed;
    for (const Route& route : routes())
        routed.insert(route.operation);
    Operations::for_each([&]<class Request>() {
        INFO(Request::method);
        CHECK(routed.count(Request::method) + without.count(Request::method) == 1);
    });
}

TEST_CASE("the OpenAPI document describes each route", "[http]") {
    auto document = nlohmann::json::parse(openapi_document());
    CHECK(document.at("openapi") == "3.1.0");
    std::set<std::string> ids;
    for (const Route& route : routes()) {
        INFO(route.method << ' ' << route.path);
        auto& operation =
            document.at("paths").at(std::string(route.path)).at(to_lower(route.method));
        CHECK(ids.insert(operation.at("operationId")).second);
        CHECK(operation.at("responses").contains("4XX"));
        for (const auto& parameter : operation.at("parameters"))
            CHECK(parameter.at("schema").is_object());
    }
    auto& add = document["paths"]["/job"]["post"];
    auto& body = add["requestBody"]["content"];
    CHECK(body["application/json"]["schema"]["properties"]["env"]["type"] == "object");
    CHECK(body["multipart/form-data"]["schema"]["properties"]["env"]["type"] == "array");
    auto& mount = body["application/json"]["schema"]["properties"]["mounts"]["items"];
    CHECK(mount["type"] == "object");
    CHECK(mount["required"] == nlohmann::json({"type", "target"}));
    CHECK(mount["additionalProperties"] == false);
    CHECK(mount["properties"]["type"]["enum"] == nlohmann::json({"bind", "volume", "tmpfs"}));
    CHECK(mount["properties"]["read_only"]["type"] == "boolean");
    CHECK_FALSE(body["multipart/form-data"]["schema"]["properties"].contains("mounts"));
    for (const auto& parameter : add["parameters"])
        CHECK(parameter["name"] != "mounts");
    auto& fields = body["application/json"]["schema"]["properties"];
    CHECK(fields["tmpfs"]["additionalProperties"]["type"] == "string");
    CHECK(fields["cpus"]["type"] == nlohmann::json({"number", "string"}));
    // An answer may grow, also inside.
    auto& spec = document["components"]["schemas"]["Job"]["properties"]["spec"]["properties"];
    CHECK_FALSE(spec["mounts"]["items"].contains("additionalProperties"));
    CHECK(document["components"]["schemas"]["Job"]["properties"]["id"]["pattern"] ==
          "^[0-9a-f]{32}$");
}

}  // namespace scheduler
