#include "daemon/engine/docker/engine_connector.hpp"

#include <fmt/format.h>

#include "daemon/engine/docker/engine_answers.hpp"

namespace scheduler {
namespace {

using Kind = EngineFailure::Kind;
using Endpoints = std::vector<HttpConnection::Endpoint>;

asio::awaitable<EngineResult<Endpoints>> resolve(std::shared_ptr<HttpClient> client,
                                                 EngineAddress address) {
    Endpoints endpoints;
    if (address.kind() == EngineAddress::Kind::unix_socket) {
        endpoints.emplace_back(asio::local::stream_protocol::endpoint(address.host()));
        co_return endpoints;
    }
    boost::system::error_code error;
    if (auto literal = asio::ip::make_address(address.host(), error); !error) {
        endpoints.emplace_back(asio::ip::tcp::endpoint(literal, address.port()));
        co_return endpoints;
    }
    asio::ip::tcp::resolver resolver(client->io());
    std::string port = std::to_string(address.port());
    auto found = co_await resolver.async_resolve(
        address.host(), port, asio::redirect_error(asio::use_awaitable, error));
    if (error)
        co_return fail(
            EngineFailure{Kind::no_answer,
                          fmt::format("can't find the engine at {}: {}; is the name right?",
                                      address.to_string(),
                                      error.message())});
    for (const auto& entry : found)
        endpoints.emplace_back(entry.endpoint());
    co_return endpoints;
}

EngineFailure cannot_be_used(const EnginePeer& peer, std::string_view reason) {
    return {Kind::refused,
            fmt::format("the engine at {} can't be used: {}", peer.address.to_string(), reason)};
}

/// One GET whose answer must be 200.
asio::awaitable<EngineResult<EngineAnswer>> get(std::shared_ptr<HttpClient> client,
                                                std::shared_ptr<const EnginePeer> peer,
                                                std::string target,
                                                Duration timeout) {
    EngineRequest request;
    request.method = "GET";
    request.target = std::move(target);
    request.is_repeatable = true;
    request.timeout = timeout;
    auto exchange = client->begin(peer, std::move(request));
    auto answer = co_await client->finish(exchange);
    if (answer && answer->status != 200)
        co_return fail(cannot_be_used(*peer, error_message(answer->status, answer->body)));
    co_return answer;
}

asio::awaitable<EngineResult<ConnectedEngine>> introduce(std::shared_ptr<HttpClient> client,
                                                         std::shared_ptr<const EnginePeer> peer,
                                                         Duration timeout) {
    auto ping = co_await get(client, peer, "/_ping", timeout);
    if (!ping) co_return fail(std::move(ping).error());
    auto version = negotiate_version(ping->api_version);
    if (!version) co_return fail(cannot_be_used(*peer, version.error().message));
    auto info = co_await get(client, peer, "/v" + *version + "/info", timeout);
    if (!info) co_return fail(std::move(info).error());
    auto identity = parse_info(info->body, ping->is_podman);
    if (!identity) co_return fail(cannot_be_used(*peer, identity.error().message));
    identity->address = peer->address.to_string();
    identity->api_version = *std::move(version);
    co_return ConnectedEngine{peer, *std::move(identity)};
}

asio::awaitable<EngineResult<ConnectedEngine>> try_candidate(std::shared_ptr<HttpClient> client,
                                                             EngineAddress address,
                                                             Duration timeout) {
    auto endpoints = co_await resolve(client, address);
    if (!endpoints) co_return fail(std::move(endpoints).error());
    EngineFailure failure{Kind::no_answer, "no address was found for " + address.to_string()};
    for (const auto& endpoint : *endpoints) {
        if (client->is_closed()) break;
        auto peer = std::make_shared<const EnginePeer>(EnginePeer{address, endpoint});
        auto engine = co_await introduce(client, peer, timeout);
        if (engine) co_return engine;
        failure = std::move(engine).error();
    }
    co_return fail(std::move(failure));
}

EngineFailure summarize(const std::vector<EngineFailure>& failures) {
    if (failures.size() == 1) return failures.front();
    EngineFailure all{Kind::no_answer, "no engine answers: "};
    for (const EngineFailure& failure : failures) {
        if (failure.kind == Kind::refused) all.kind = Kind::refused;
        all.message += failure.message + "; ";
    }
    all.message += "start Docker or Podman, or name an engine with --engine";
    return all;
}

}  // namespace

asio::awaitable<EngineResult<ConnectedEngine>> connect_engine(std::shared_ptr<HttpClient> client,
                                                              std::vector<EngineAddress> candidates,
                                                              EngineTimeouts timeouts) {
    std::vector<EngineFailure> failures;
    for (const EngineAddress& address : candidates) {
        auto engine = co_await try_candidate(client, address, timeouts.query);
        if (engine) co_return engine;
        failures.push_back(std::move(engine).error());
        if (client->is_closed()) break;
    }
    co_return fail(summarize(failures));
}

}  // namespace scheduler
