/// GET /jobs: everything from one picture, or streamed where that would not fit a bounded buffer;
/// with `limit` or `after` a page, and a Link to the next one (RFC 8288).

#include "daemon/http/handlers.hpp"
#include "daemon/http/job_list.hpp"
#include "daemon/http/pull_stream.hpp"

namespace scheduler {
namespace {

using ListPart = Service::ListPart;

JobSection section_of_part(ListPart::Section section) {
    switch (section) {
        case ListPart::Section::running:
            return JobSection::running;
        case ListPart::Section::scheduled:
            return JobSection::scheduled;
        case ListPart::Section::history:
            return JobSection::history;
    }
    return JobSection::history;
}

class ListBody final : public BodyStream {
  public:
    explicit ListBody(PullStream<ListPart> parts) : parts_(std::move(parts)) {}

    asio::awaitable<Result<std::optional<std::string>>> next() override {
        if (is_finished_) co_return std::optional<std::string>();
        for (;;) {
            auto part = co_await parts_.next(Session::SteadyTime::max());
            if (!part) continue;
            if (!*part) co_return fail(part->error());
            if (!**part) break;
            for (const Job& job : (**part)->jobs)
                writer_.add(section_of_part((**part)->section), job);
            std::string text = writer_.take();
            if (!text.empty()) co_return std::optional<std::string>(std::move(text));
        }
        is_finished_ = true;
        writer_.finish();
        co_return std::optional<std::string>(writer_.take());
    }
    asio::awaitable<void> close() override { co_await parts_.close(); }

  private:
    PullStream<ListPart> parts_;
    JobListWriter writer_;
    bool is_finished_ = false;
};

Answer answer_jobs(const std::vector<Job>& jobs) {
    JobListWriter writer;
    for (const Job& job : jobs)
        writer.add(section_of(job), job);
    writer.finish();
    return json_answer(writer.take());
}

/// The same query with another `after`.
std::string next_page(const HttpRequest& request, const ListPlace& after) {
    FormFields query = request.target.query;
    std::erase_if(query, [](const auto& field) { return field.first == "after"; });
    query.emplace_back("after", after.to_string());
    return fmt::format("</jobs?{}>; rel=\"next\"", encode_query(query));
}

asio::awaitable<Answer> list_page(Exchange& exchange, ListRequest request) {
    auto page = co_await ask(exchange, std::move(request));
    if (!page) co_return error_answer(page.error());
    Answer answer = answer_jobs(page->jobs);
    if (page->next) answer.headers.push_back({"Link", next_page(exchange.request, *page->next)});
    co_return answer;
}

}  // namespace

asio::awaitable<Answer> list_jobs(Exchange& exchange) {
    auto request = read_request<ListRequest>(exchange.request);
    if (!request) co_return error_answer(request.error());
    if (!exchange.session->has_room())
        co_return error_answer(
            {ErrorCode::busy,
             fmt::format("{} MiB of answers wait for clients that don't read them; try again in a "
                         "moment",
                         exchange.session->limits().untaken_bytes / 1024 / 1024)});
    if (request->limit || request->after)
        co_return co_await list_page(exchange, std::move(*request));
    auto everything = exchange.service.list_all(*request);
    if (!everything) co_return error_answer(everything.error());
    if (*everything) co_return answer_jobs(**everything);
    auto stream = exchange.service.list_stream(*request);
    if (!stream) co_return error_answer(stream.error());
    Answer answer;
    answer.stream =
        std::make_unique<ListBody>(PullStream<ListPart>(exchange.session, std::move(*stream)));
    co_return answer;
}

}  // namespace scheduler
