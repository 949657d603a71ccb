/// The socket as a protocol: bad lines get an error and harm nothing; answers come in request
/// order.

#include <catch2/catch.hpp>

#include "tests/support/front_ends.hpp"

namespace scheduler::test {
namespace {

int rpc_code(const Json& reply) {
    return reply.at("error").at("code");
}
std::string word(const Json& reply) {
    return reply.at("error").at("data").at("code");
}

}  // namespace

TEST_CASE("a bad line gets an error, and the connection goes on", "[contract][socket]") {
    RpcClient client(shared_daemon().socket_path());
    for (const auto& [line, number] :
         {std::pair<std::string, int>{"{", -32700},
          {"nonsense", -32700},
          {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", -32700},
          {std::string(100, '['), -32700},
          {"[]", -32600},
          {R"([{"jsonrpc":"2.0","id":1,"method":"status"}])", -32600},
          {"5", -32600},
          {R"({"jsonrpc":"2.0","method":"status"})", -32600},
          {R"({"jsonrpc":"2.0","id":null,"method":"status"})", -32600},
          {R"({"jsonrpc":"2.0","id":{},"method":"status"})", -32600},
          {R"({"jsonrpc":"1.0","id":1,"method":"status"})", -32600},
          {R"({"id":1,"method":"status"})", -32600},
          {R"({"jsonrpc":"2.0","id":1})", -32600},
          {R"({"jsonrpc":"2.0","id":1,"method":5})", -32600},
          {R"({"jsonrpc":"2.0","id":1,"method":"status","extra":1})", -32600},
          {R"({"jsonrpc":"2.0","id":1,"method":"nothing"})", -32601},
          {R"({"jsonrpc":"2.0","id":1,"method":""})", -32601},
          {R"({"jsonrpc":"2.0","id":1,"method":"show","params":[]})", -32602},
          {R"({"jsonrpc":"2.0","id":1,"method":"show","params":"x"})", -32602},
          {R"({"jsonrpc":"2.0","id":1,"method":"show","params":{}})", -32602},
          {R"({"jsonrpc":"2.0","id":1,"method":"show","params":{"job_id":5}})", -32602},
          {R"({"jsonrpc":"2.0","id":1,"method":"show","params":{"job":"1"}})", -32602}}) {
        INFO(line);
        auto reply = client.send_line(line);
        CHECK(rpc_code(reply) == number);
        CHECK(reply.at("jsonrpc") == "2.0");
        CHECK(reply.contains("id"));
        CHECK_FALSE(reply.at("error").at("message").get<std::string>().empty());
        CHECK_FALSE(word(reply).empty());
    }
    CHECK(client.call("status").contains("result"));
}

TEST_CASE("an id comes back as it was sent", "[contract][socket]") {
    RpcClient client(shared_daemon().socket_path());
    for (std::string id : {"7", "-7", "\"a \\\"quoted\\\" id\"", "9007199254740993"})
        CHECK(client.send_line(R"({"jsonrpc":"2.0","method":"status","id":)" + id + "}").at("id") ==
              Json::parse(id));
    CHECK(client.send_line(R"({"jsonrpc":"2.0","method":"nothing","id":8})").at("id") == 8);
}

TEST_CASE("an overlong line is refused and ends the connection, not the daemon",
          "[contract][socket]") {
    RpcClient client(shared_daemon().socket_path());
    client.socket().send(std::string(1024 * 1024 + 1, 'x') + '\n');
    auto reply = client.read();
    CHECK(word(reply) == "too_large");
    CHECK(client.socket().is_at_end());

    RpcClient endless(shared_daemon().socket_path());
    endless.socket().send(std::string(1024 * 1024 + 1, 'x'));
    CHECK(word(endless.read()) == "too_large");

    RpcClient next(shared_daemon().socket_path());
    CHECK(next.call("status").contains("result"));
}

TEST_CASE("a line may come byte by byte, and several in one piece", "[contract][socket]") {
    RpcClient client(shared_daemon().socket_path());
    for (char c : std::string("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n"))
        client.socket().send({&c, 1});
    CHECK(client.read().at("id") == 1);
    std::string lines;
    for (int i = 2; i < 50; ++i)
        lines += R"({"jsonrpc":"2.0","id":)" + std::to_string(i) + ",\"method\":\"status\"}\n";
    client.socket().send(lines);
    for (int i = 2; i < 50; ++i)
        CHECK(client.read().at("id") == i);
}

TEST_CASE("answers come in the order of the requests, and reads see the writes before",
          "[contract][socket]") {
    RpcClient client(shared_daemon().socket_path());
    constexpr int jobs = 100;
    for (int i = 0; i < jobs; ++i) {
        client.send("add", {{"job_name", "job-" + std::to_string(i)}, {"time", "1h"}});
        client.send("show", {{"job_id", "last"}});
    }
    for (int i = 0; i < jobs; ++i) {
        auto added = client.read();
        REQUIRE(added.at("id") == 2 * i + 1);
        REQUIRE(added.contains("result"));
        auto shown = client.read();
        REQUIRE(shown.at("id") == 2 * i + 2);
        CHECK(shown.at("result").at("job_name") == "job-" + std::to_string(i));
    }
}

TEST_CASE("several jobs are added all or none", "[contract][socket]") {
    RpcClient client(shared_daemon().socket_path());
    Json good = {{"job_name", "batched"}, {"time", "1h"}};
    Json bad = {{"job_name", "batched"}, {"time", "soon"}};
    auto refused = client.call("add", {{"jobs", {good, bad}}});
    CHECK(word(refused) == "bad_time");
    CHECK(client.call("list", {{"job_name", "batched"}}).at("result").at("jobs").empty());
    auto added = client.call("add", {{"jobs", {good, good, good}}});
    CHECK(added.at("result").at("jobs").size() == 3);
    CHECK(client.call("list", {{"job_name", "batched"}}).at("result").at("jobs").size() == 3);
}

TEST_CASE("a job is named by number, id, prefix or last", "[contract][socket]") {
    RpcClient client(shared_daemon().socket_path());
    auto job = client.call("add", {{"job_name", "busybox"}, {"time", "1h"}}).at("result").at("job");
    std::string id = job.at("id");
    for (const std::string& name :
         {id, std::to_string(job.at("number").get<int>()), std::string("last"), id.substr(0, 30)}) {
        INFO(name);
        CHECK(client.call("show", {{"job_id", name}}).at("result").at("id") == id);
    }
    CHECK(word(client.call("show", {{"job_id", "no-such"}})) == "bad_field");
    CHECK(word(client.call("show", {{"job_id", "999999"}})) == "job_not_found");
}

TEST_CASE("a stream sends items, then its answer, then what comes after", "[contract][socket]") {
    RpcClient client(shared_daemon().socket_path());
    auto id = client.call("add", {{"job_name", "busybox"}, {"time", "1h"}}).at("result").at("id");
    int subscription = client.send("logs", {{"job_id", id}, {"follow", true}});
    int later = client.send("status");
    CHECK(client.socket().is_silent());
    RpcClient other(shared_daemon().socket_path());
    CHECK(other.call("remove", {{"job_id", id}}).contains("result"));
    CHECK(client.read().at("id") == subscription);
    CHECK(client.read().at("id") == later);

    RpcClient listener(shared_daemon().socket_path());
    int events = listener.send("subscribe");
    CHECK(listener.socket().is_silent());
    auto added = other.call("add", {{"job_name", "busybox"}, {"time", "1h"}}).at("result").at("id");
    auto item = listener.read();
    CHECK(item.at("method") == "item");
    CHECK(item.at("params").at("request") == events);
    CHECK(item.at("params").at("item").at("job_id") == added);
}

TEST_CASE("a client that vanishes in the middle of a line harms nothing", "[contract][socket]") {
    for (int i = 0; i < 50; ++i) {
        RpcClient client(shared_daemon().socket_path());
        client.socket().send(R"({"jsonrpc":"2.0","id":1,"method":"add","params":{"job_na)");
    }
    RpcClient next(shared_daemon().socket_path());
    CHECK(next.call("status").contains("result"));
}

}  // namespace scheduler::test
