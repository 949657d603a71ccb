/// GET /job/{id}/logs: a job's output as text, as it comes.

#include "daemon/http/handlers.hpp"
#include "daemon/http/pull_stream.hpp"

namespace scheduler {
namespace {

class LogBody final : public BodyStream {
  public:
    explicit LogBody(PullStream<LogChunk> chunks) : chunks_(std::move(chunks)) {}

    asio::awaitable<Result<std::optional<std::string>>> next() override {
        for (;;) {
            auto item = co_await chunks_.next(Session::SteadyTime::max());
            if (!item) continue;
            if (!*item) co_return fail(item->error());
            if (!**item) co_return std::optional<std::string>();
            std::string& bytes = (**item)->data.bytes;
            if (!bytes.empty()) co_return std::optional<std::string>(std::move(bytes));
        }
    }
    asio::awaitable<void> close() override { co_await chunks_.close(); }

  private:
    PullStream<LogChunk> chunks_;
};

}  // namespace

asio::awaitable<Answer> stream_logs(Exchange& exchange) {
    auto request = read_request<LogsRequest>(exchange.request);
    if (!request) co_return error_answer(request.error());
    auto stream = exchange.service.handle(*request, exchange.caller);
    if (!stream) co_return error_answer(stream.error());
    Answer answer;
    answer.content_type = "text/plain; charset=utf-8";
    answer.stream =
        std::make_unique<LogBody>(PullStream<LogChunk>(exchange.session, std::move(*stream)));
    co_return answer;
}

}  // namespace scheduler
