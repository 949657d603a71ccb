#include "daemon/http/handlers.hpp"

#include "daemon/http/openapi.hpp"

namespace scheduler {
namespace {

/// For routes that take no fields at all.
std::optional<Answer> refuse_fields(const Exchange& exchange) {
    if (exchange.request.target.query.empty()) return std::nullopt;
    return error_answer({ErrorCode::unknown_field,
                         fmt::format("\"{}\" is not a known field; known are none",
                                     exchange.request.target.query.front().first.substr(0, 64))});
}

/// For operations that take their time: they end with the connection, so that nobody who went away
/// keeps a place. A client may end its half after the request. One that is gone looks the same
/// until a reset comes; meanwhile it gives its place to others.
template <class Request>
asio::awaitable<Answer> answer_slow_read(Exchange& exchange,
                                         Request request,
                                         std::string_view what) {
    auto slot = std::make_shared<Slot<typename Request::Response>>();
    auto token = exchange.service.handle(request, exchange.caller, exchange.session->reply(slot));
    if (!co_await exchange.session->filled(slot, Session::SteadyTime::max(), ClientEnd::is_reset))
        co_return error_answer({ErrorCode::unavailable,
                                exchange.session->is_stopping()
                                    ? "schedulerd is shutting down; ask again when it is back"
                                    : fmt::format("{} ended with the connection", what)});
    if (!*slot->result) co_return error_answer(slot->result->error());
    co_return json_answer(encode(**slot->result));
}

Answer message_answer(std::string message) {
    return json_answer(encode(MessageResponse{std::move(message)}));
}

}  // namespace

asio::awaitable<Answer> redirect_to_jobs(Exchange& exchange) {
    if (auto refusal = refuse_fields(exchange)) co_return std::move(*refusal);
    Answer answer;
    answer.status = 302;
    answer.headers.push_back({"Location", "/jobs"});
    co_return answer;
}

asio::awaitable<Answer> add_job(Exchange& exchange) {
    auto request = read_request<AddRequest>(exchange.request);
    if (!request) co_return error_answer(request.error());
    auto response = co_await ask(exchange, std::move(*request));
    if (!response) co_return error_answer(response.error());
    Answer answer = json_answer(encode(*response));
    if (response->replayed) answer.headers.push_back({"Idempotent-Replayed", "true"});
    co_return answer;
}

asio::awaitable<Answer> show_or_wait(Exchange& exchange) {
    FormFields& query = exchange.request.target.query;
    auto is_wait = [](const auto& field) { return field.first == "wait"; };
    // Two operations, but one set of fields. Over HTTP the wait's is called `wait`; the operation's
    // own name for it is no field here.
    for (auto& [name, text] : query)
        if (name != "job_id" && name != "wait")
            co_return error_answer(
                {ErrorCode::unknown_field,
                 fmt::format("\"{}\" is not a known field; known are job_id, wait",
                             name.substr(0, 64))});
    if (std::none_of(query.begin(), query.end(), is_wait))
        co_return co_await answer_operation<ShowRequest>(exchange);
    for (auto& field : query)
        if (is_wait(field)) field.first = "timeout";
    auto request = read_request<WaitRequest>(exchange.request);
    if (!request) {
        Error error = request.error();
        constexpr std::string_view own_name = "timeout";
        if (error.message.compare(0, own_name.size(), own_name) == 0)
            error.message.replace(0, own_name.size(), "wait");
        co_return error_answer(error);
    }
    co_return co_await answer_slow_read(exchange, std::move(*request), "the wait");
}

asio::awaitable<Answer> verify(Exchange& exchange) {
    auto request = read_request<VerifyRequest>(exchange.request);
    if (!request) co_return error_answer(request.error());
    co_return co_await answer_slow_read(exchange, std::move(*request), "the verification");
}

asio::awaitable<Answer> show_health(Exchange& exchange) {
    if (auto refusal = refuse_fields(exchange)) co_return std::move(*refusal);
    co_return message_answer("ok");
}

asio::awaitable<Answer> show_readiness(Exchange& exchange) {
    if (auto refusal = refuse_fields(exchange)) co_return std::move(*refusal);
    Readiness readiness = exchange.service.readiness();
    if (readiness.ready)
        co_return message_answer(readiness.reason.empty() ? "ready" : "ready; " + readiness.reason);
    co_return error_answer({ErrorCode::unavailable, std::move(readiness.reason)});
}

asio::awaitable<Answer> show_metrics(Exchange& exchange) {
    if (auto refusal = refuse_fields(exchange)) co_return std::move(*refusal);
    Answer answer;
    answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
    answer.body = exchange.service.metrics_text();
    co_return answer;
}

asio::awaitable<Answer> show_openapi(Exchange& exchange) {
    if (auto refusal = refuse_fields(exchange)) co_return std::move(*refusal);
    static const std::string document = openapi_document();
    co_return json_answer(document);
}

}  // namespace scheduler
