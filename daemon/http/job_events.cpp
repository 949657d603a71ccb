/// GET /events: transitions of jobs as Server-Sent Events.
/// Source: WHATWG HTML section 9.2 (text/event-stream).

#include "daemon/http/handlers.hpp"
#include "daemon/http/pull_stream.hpp"

namespace scheduler {
namespace {

std::string write_event(const JobEvent& event) {
    return fmt::format(
        "id: {}\nevent: {}\ndata: {}\n\n", event.seq, event.reset ? "reset" : "job", encode(event));
}

class EventBody final : public BodyStream {
  public:
    EventBody(PullStream<JobEvent> events, std::chrono::milliseconds heartbeat)
        : events_(std::move(events)), heartbeat_(heartbeat) {}

    asio::awaitable<Result<std::optional<std::string>>> next() override {
        // The first comment tells the client that it listens; the later ones keep proxies from
        // hanging up, and find clients that went away without a word.
        if (!std::exchange(has_begun_, true))
            co_return std::optional<std::string>(": listening\n\n");
        auto item = co_await events_.next(std::chrono::steady_clock::now() + heartbeat_);
        if (!item) co_return std::optional<std::string>(": still here\n\n");
        if (!*item) co_return fail(item->error());
        if (!**item) co_return std::optional<std::string>();
        co_return std::optional<std::string>(write_event(***item));
    }
    asio::awaitable<void> close() override { co_await events_.close(); }

  private:
    PullStream<JobEvent> events_;
    std::chrono::milliseconds heartbeat_;
    bool has_begun_ = false;
};

/// A browser that comes back sends the last id it saw. It wins over the query, which stays what it
/// was when the page made its EventSource.
Result<Done> apply_last_event_id(Exchange& exchange) {
    const std::string* last = exchange.request.head.find("last-event-id");
    if (last == nullptr || last->empty()) return Done{};
    FormFields& query = exchange.request.target.query;
    bool is_number =
        last->size() < 19 && last->find_first_not_of("0123456789") == std::string::npos;
    if (!is_number)
        return fail(ErrorCode::bad_field,
                    fmt::format("the header Last-Event-ID must be a whole number, not \"{}\"",
                                last->substr(0, 64)));
    std::erase_if(query, [](const auto& field) { return field.first == "after_seq"; });
    query.emplace_back("after_seq", *last);
    return Done{};
}

}  // namespace

asio::awaitable<Answer> stream_events(Exchange& exchange) {
    if (auto applied = apply_last_event_id(exchange); !applied)
        co_return error_answer(applied.error());
    auto request = read_request<SubscribeRequest>(exchange.request);
    if (!request) co_return error_answer(request.error());
    auto stream = exchange.service.handle(*request, exchange.caller);
    if (!stream) co_return error_answer(stream.error());
    Answer answer;
    answer.content_type = "text/event-stream";
    answer.stream =
        std::make_unique<EventBody>(PullStream<JobEvent>(exchange.session, std::move(*stream)),
                                    exchange.session->limits().heartbeat);
    co_return answer;
}

}  // namespace scheduler
