#include "tests/support/front_ends.hpp"

#include <stdexcept>

#include <sys/stat.h>

namespace scheduler::test {
namespace {

std::string escape(const std::string& text) {
    constexpr const char* digits = "0123456789ABCDEF";
    std::string escaped;
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0)
            escaped += c;
        else
            escaped += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
    return escaped;
}

std::string as_query(const Json& params) {
    std::string query;
    auto add = [&](const std::string& key, const Json& value) {
        query += (query.empty() ? '?' : '&') + key + '=' +
                 escape(value.is_string() ? value.get<std::string>() : value.dump());
    };
    for (const auto& [key, value] : params.items()) {
        if (!value.is_array()) add(key, value);
        for (const Json& element : value.is_array() ? value : Json::array())
            add(key, element);
    }
    return query;
}

struct Call {
    std::string method;
    std::string target;
    bool has_body = false;
};

/// Where an operation is over HTTP; a job's id, or a definition's or group's name, moves from the
/// parameters into the path.
Call route_of(const std::string& operation, Json& params) {
    auto job = [&params] {
        std::string id = escape(params.at("job_id").get<std::string>());
        params.erase("job_id");
        return "/job/" + id;
    };
    auto named = [&params](const std::string& collection) {
        std::string name = escape(params.at("name").get<std::string>());
        params.erase("name");
        return collection + '/' + name;
    };
    auto definition = [&] { return named("/definitions"); };
    if (operation == "group_set") return {"PUT", named("/groups"), true};
    if (operation == "group_show") return {"GET", named("/groups")};
    if (operation == "group_list") return {"GET", "/groups"};
    if (operation == "group_remove") return {"DELETE", named("/groups")};
    if (operation == "group_pause") return {"POST", named("/groups") + "/pause", true};
    if (operation == "group_resume") return {"POST", named("/groups") + "/resume", true};
    if (operation == "def_set") return {"PUT", definition(), true};
    if (operation == "def_import") return {"POST", "/definitions", true};
    if (operation == "def_show") return {"GET", definition()};
    if (operation == "def_list") return {"GET", "/definitions"};
    if (operation == "def_remove") return {"DELETE", definition()};
    if (operation == "add") return {"POST", "/job", true};
    if (operation == "list") return {"GET", "/jobs"};
    if (operation == "show") return {"GET", job()};
    if (operation == "remove") return {"DELETE", job()};
    if (operation == "edit") return {"PATCH", job(), true};
    if (operation == "run" || operation == "kill" || operation == "hold" || operation == "release")
        return {"POST", job() + '/' + operation, true};
    if (operation == "why") return {"GET", job() + "/why"};
    if (operation == "pause" || operation == "resume" || operation == "prune")
        return {"POST", '/' + operation, true};
    if (operation == "status" || operation == "verify") return {"GET", '/' + operation};
    if (operation == "wait") {
        params["wait"] = params.at("timeout");
        params.erase("timeout");
        return {"GET", job()};
    }
    throw std::runtime_error("no route for " + operation);
}

/// Pages of jobs read the same over both: in order, under `jobs`.
Json list_of(const HttpAnswer& answer) {
    // The order of the members is the order of the page.
    auto ordered = nlohmann::ordered_json::parse(answer.body);
    Json jobs = Json::array();
    for (const char* section : {"running", "scheduled", "history"})
        for (const auto& item : ordered.at(section).items())
            jobs.push_back(Json::parse(item.value().dump()));
    Json list = {{"jobs", jobs}};
    // </jobs?limit=2&after=PLACE>; rel="next"
    const std::string link = answer.header("link");
    if (auto after = link.find("after="); after != std::string::npos) {
        auto place = after + std::string("after=").size();
        list["next"] = link.substr(place, link.find('>') - place);
    }
    return list;
}

Outcome outcome_of(const std::string& operation, const HttpAnswer& answer) {
    Outcome outcome;
    outcome.is_ok = answer.status == 200;
    outcome.code = answer.error_code();
    if (outcome.is_ok)
        outcome.value = operation == "list" ? list_of(answer) : answer.json();
    else
        outcome.message = answer.message();
    return outcome;
}

Outcome outcome_of(const Json& reply) {
    Outcome outcome;
    outcome.is_ok = reply.contains("result");
    if (outcome.is_ok) {
        outcome.value = reply.at("result");
    } else {
        outcome.code = reply.at("error").at("data").at("code");
        outcome.message = reply.at("error").at("message");
    }
    return outcome;
}

}  // namespace

OverHttp::OverHttp(const DaemonProcess& daemon, const std::string& token) : client_(daemon.port()) {
    if (!token.empty()) headers_.emplace_back("Authorization", "Bearer " + token);
}

Outcome OverHttp::call(const std::string& operation, const Json& params) {
    Json rest = params;
    Call call = route_of(operation, rest);
    if (!call.has_body)
        return outcome_of(operation,
                          client_.ask(call.method, call.target + as_query(rest), headers_));
    HttpHeaders headers = headers_;
    headers.emplace_back("Content-Type", "application/json");
    return outcome_of(operation, client_.ask(call.method, call.target, headers, rest.dump()));
}

Outcome OverHttp::add_text(const std::string& text) {
    HttpHeaders headers = headers_;
    headers.emplace_back("Content-Type", "application/json");
    return outcome_of("add", client_.ask("POST", "/job", headers, text));
}

Outcome OverSocket::call(const std::string& operation, const Json& params) {
    return outcome_of(client_.call(operation, params));
}

Outcome OverSocket::add_text(const std::string& text) {
    return outcome_of(
        client_.send_line(R"({"jsonrpc":"2.0","id":"text","method":"add","params":)" + text + '}'));
}

const DaemonProcess& trusting_daemon() {
    static const TempDir dir;
    static const DaemonProcess daemon = [] {
        auto file = dir.write("tokens", "suite " + trusted_token + '\n');
        if (::chmod(file.c_str(), 0600) != 0) throw std::runtime_error("chmod failed");
        return DaemonProcess({"--token-file", file.string()});
    }();
    return daemon;
}

}  // namespace scheduler::test
