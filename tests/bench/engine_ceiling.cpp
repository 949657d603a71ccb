#include "tests/bench/engine_ceiling.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/support/client_socket.hpp"

namespace scheduler::bench {
namespace {

/// One kept connection. Source: Docker Engine API 1.41.
class LeanClient {
  public:
    explicit LeanClient(const std::string& socket) : socket_(test::ClientSocket::to_path(socket)) {}

    struct Answer {
        int status = 0;
        std::string body;
    };
    Answer ask(const std::string& method, const std::string& target, const std::string& body = "") {
        socket_.send(
            fmt::format("{} /v1.41{} HTTP/1.1\r\nHost: d\r\nContent-Type: "
                        "application/json\r\nContent-Length: {}\r\n\r\n{}",
                        method,
                        target,
                        body.size(),
                        body));
        std::string head = socket_.read_until("\r\n\r\n");
        if (head.size() < 12) throw std::runtime_error("the engine closed its connection");
        Answer answer{std::stoi(head.substr(9, 3)), ""};
        if (answer.status == 204 || answer.status == 304) return answer;
        if (head.find("Transfer-Encoding: chunked") != std::string::npos)
            answer.body = read_chunks();
        else if (auto at = head.find("Content-Length: "); at != std::string::npos)
            answer.body = socket_.read_bytes(std::stoul(head.substr(at + 16)));
        return answer;
    }
    void run_container(const std::string& image) {
        std::string body = nlohmann::json{{"Image", image}, {"Cmd", {"true"}}}.dump();
        Answer created = ask("POST", "/containers/create", body);
        if (created.status != 201) throw std::runtime_error("create: " + created.body);
        std::string id = nlohmann::json::parse(created.body).at("Id");
        expect(204, ask("POST", "/containers/" + id + "/start"));
        expect(200, ask("POST", "/containers/" + id + "/wait"));
        expect(204, ask("DELETE", "/containers/" + id));
    }

  private:
    static void expect(int status, const Answer& answer) {
        if (answer.status != status)
            throw std::runtime_error(
                fmt::format("the engine answered {}: {}", answer.status, answer.body));
    }
    std::string read_chunks() {
        std::string body;
        for (;;) {
            std::size_t size = std::stoul(socket_.read_until("\r\n"), nullptr, 16);
            body += socket_.read_bytes(size);
            (void)socket_.read_until("\r\n");
            if (size == 0) return body;
        }
    }
    test::ClientSocket socket_;
};

}  // namespace

bool engine_has_image(const std::string& socket, const std::string& image) {
    return LeanClient(socket).ask("GET", "/images/" + image + "/json").status == 200;
}

bool engine_has_our_containers(const std::string& socket) {
    // {"label":["schedulerd.job"]}
    constexpr const char* filter = "%7B%22label%22%3A%5B%22schedulerd.job%22%5D%7D";
    auto answer = LeanClient(socket).ask(
        "GET", fmt::format("/containers/json?all=1&limit=1&filters={}", filter));
    return !nlohmann::json::parse(answer.body).empty();
}

double lean_containers_per_second(const std::string& socket,
                                  const std::string& image,
                                  int parallel,
                                  int count) {
    std::atomic<int> left = count;
    std::mutex mutex;
    std::exception_ptr failure;
    auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (int i = 0; i < parallel; ++i)
        threads.emplace_back([&] {
            try {
                LeanClient client(socket);
                while (left-- > 0)
                    client.run_container(image);
            } catch (...) {
                std::lock_guard lock(mutex);
                failure = std::current_exception();
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    if (failure) std::rethrow_exception(failure);
    return count / std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace scheduler::bench
