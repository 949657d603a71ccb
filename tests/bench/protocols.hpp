#pragma once
/// What the load generators say to the daemon and its peers.

#include <string>

#include "tests/bench/load.hpp"

namespace scheduler::bench {

/// The job that is submitted everywhere, as JSON. Peers store the same bytes.
/// `when`: `"time":"1h"`, or another field of `add`.
std::string job_json(const std::string& when);

/// HTTP with keep-alive; an answer that is not 2xx ends the run.
class HttpProtocol : public Protocol {
  public:
    [[nodiscard]] std::size_t answer_size(std::string_view text) const override;
};

/// The same request each time.
class HttpRequest final : public HttpProtocol {
  public:
    static HttpRequest get(const std::string& target);
    static HttpRequest post(const std::string& target, const std::string& json);
    void write_request(std::string& text, std::uint64_t number) const override;

  private:
    explicit HttpRequest(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

/// GET of one path after the other.
class HttpGetEach final : public HttpProtocol {
  public:
    explicit HttpGetEach(std::vector<std::string> targets) : targets_(std::move(targets)) {}
    void write_request(std::string& text, std::uint64_t number) const override;

  private:
    std::vector<std::string> targets_;
};

/// `add` as JSON lines.
class AddLines final : public Protocol {
  public:
    explicit AddLines(std::string json) : json_(std::move(json)) {}
    void write_request(std::string& text, std::uint64_t number) const override;
    [[nodiscard]] std::size_t answer_size(std::string_view text) const override;

  private:
    std::string json_;
};

/// ZADD of a job under its due time. Source: the protocol of Redis, RESP2.
class RedisZadd final : public Protocol {
  public:
    explicit RedisZadd(std::string json) : json_(std::move(json)) {}
    void write_request(std::string& text, std::uint64_t number) const override;
    [[nodiscard]] std::size_t answer_size(std::string_view text) const override;

  private:
    std::string json_;
};

/// `put` with a delay of an hour. Source: beanstalkd's protocol.txt.
class BeanstalkPut final : public Protocol {
  public:
    explicit BeanstalkPut(std::string json) : json_(std::move(json)) {}
    void write_request(std::string& text, std::uint64_t number) const override;
    [[nodiscard]] std::size_t answer_size(std::string_view text) const override;

  private:
    std::string json_;
};

}  // namespace scheduler::bench
