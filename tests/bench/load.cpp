#include "tests/bench/load.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>

#include "daemon/base/asio.hpp"
#include "tests/bench/figures.hpp"

namespace scheduler::bench {
namespace {

using Socket = asio::generic::stream_protocol::socket;
using Clock = std::chrono::steady_clock;
using ErrorCode = boost::system::error_code;

constexpr auto patience = std::chrono::seconds(60);

Socket connect(asio::io_context& loop, const Endpoint& endpoint) {
    Socket socket(loop);
    if (endpoint.path.empty()) {
        asio::ip::tcp::endpoint address(asio::ip::address_v4::loopback(), endpoint.port);
        socket.connect(address);
        socket.set_option(asio::ip::tcp::no_delay(true));
    } else {
        socket.connect(asio::local::stream_protocol::endpoint(endpoint.path));
    }
    return socket;
}

/// One connection, which has at most one batch under way.
class Client {
  public:
    Client(asio::io_context& loop, const Endpoint& endpoint, const Protocol& protocol)
        : socket_(connect(loop, endpoint)), protocol_(protocol) {}

    /// `done` is called when all `count` requests are answered.
    template <class Done>
    void ask(std::uint64_t first, int count, Done done) {
        request_.clear();
        for (int i = 0; i < count; ++i)
            protocol_.write_request(request_, first + static_cast<std::uint64_t>(i));
        left_ = count;
        done_ = std::move(done);
        asio::async_write(socket_, asio::buffer(request_), [this](ErrorCode error, std::size_t) {
            if (error) throw std::runtime_error("a request was not taken: " + error.message());
        });
        read();
    }
    [[nodiscard]] bool is_busy() const { return left_ > 0; }

  private:
    void read() {
        if (answer_.size() - filled_ < 16384) answer_.resize(filled_ + 65536);
        socket_.async_read_some(
            asio::buffer(answer_.data() + filled_, answer_.size() - filled_),
            [this](ErrorCode error, std::size_t count) {
                if (error) throw std::runtime_error("an answer did not come: " + error.message());
                filled_ += count;
                take_answers();
            });
    }
    void take_answers() {
        std::size_t taken = 0;
        while (left_ > 0) {
            std::size_t size =
                protocol_.answer_size(std::string_view(answer_.data() + taken, filled_ - taken));
            if (size == 0) break;
            taken += size;
            --left_;
        }
        std::copy(answer_.begin() + static_cast<std::ptrdiff_t>(taken),
                  answer_.begin() + static_cast<std::ptrdiff_t>(filled_),
                  answer_.begin());
        filled_ -= taken;
        if (left_ > 0) return read();
        done_();
    }

    Socket socket_;
    const Protocol& protocol_;
    std::string request_;
    std::string answer_;
    std::size_t filled_ = 0;
    int left_ = 0;
    std::function<void()> done_;
};

double seconds_between(Clock::time_point begin, Clock::time_point end) {
    return std::chrono::duration<double>(end - begin).count();
}

float milliseconds_between(Clock::time_point begin, Clock::time_point end) {
    return std::chrono::duration<float, std::milli>(end - begin).count();
}

Clock::duration to_duration(double seconds) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

using Clients = std::vector<std::unique_ptr<Client>>;

Clients make_clients(asio::io_context& loop,
                     const Endpoint& endpoint,
                     const Protocol& protocol,
                     int count) {
    Clients clients;
    for (int i = 0; i < count; ++i)
        clients.push_back(std::make_unique<Client>(loop, endpoint, protocol));
    return clients;
}

bool is_any_busy(const Clients& clients) {
    for (const auto& client : clients)
        if (client->is_busy()) return true;
    return false;
}

/// The open loop's state: when requests are to be sent, and who is free to send them.
struct Schedule {
    Schedule(asio::io_context& loop, Clients made, const OpenLoop& loop_options)
        : how(loop_options), clients(std::move(made)), timer(loop), begin(Clock::now()) {
        for (auto& client : clients)
            free.push_back(client.get());
    }
    Clock::time_point time_of(std::uint64_t number) const {
        return begin + to_duration(static_cast<double>(number) / how.rate);
    }
    /// Sends what is due as long as connections are free; the rest waits for one.
    void send_due() {
        while (!free.empty() && next < total && time_of(next) <= Clock::now()) {
            Client* client = free.front();
            free.pop_front();
            auto intended = time_of(next);
            client->ask(how.first_number + next++, 1, [this, client, intended] {
                result.latencies_ms.push_back(milliseconds_between(intended, Clock::now()));
                free.push_back(client);
                send_due();
            });
        }
        if (!free.empty() && next < total) wait();
    }
    void wait() {
        timer.expires_at(time_of(next));
        timer.async_wait([this](ErrorCode error) {
            if (!error) send_due();
        });
    }

    const OpenLoop how;
    Clients clients;
    std::deque<Client*> free;
    asio::steady_timer timer;
    Clock::time_point begin;
    std::uint64_t total = static_cast<std::uint64_t>(how.rate * how.seconds);
    std::uint64_t next = 0;
    LoadResult result;
};

}  // namespace

double LoadResult::percentile_ms(double part) const {
    return quantile(latencies_ms, part);
}

LoadResult run_closed_loop(const Endpoint& endpoint,
                           const Protocol& protocol,
                           const ClosedLoop& how) {
    asio::io_context loop(1);
    Clients clients = make_clients(loop, endpoint, protocol, how.connections);
    LoadResult result;
    std::uint64_t next = how.first_number;
    const auto begin = Clock::now() + to_duration(how.warm_up_seconds);
    const auto end = begin + to_duration(how.seconds);
    std::function<void(Client&)> ask = [&](Client& client) {
        auto sent = Clock::now();
        std::uint64_t first = next;
        next += static_cast<std::uint64_t>(how.batch);
        client.ask(first, how.batch, [&, sent] {
            auto now = Clock::now();
            if (now >= begin && now <= end) {
                result.answers += static_cast<std::uint64_t>(how.batch);
                result.latencies_ms.push_back(milliseconds_between(sent, now));
            }
            if (now < end) ask(client);
        });
    };
    for (auto& client : clients)
        ask(*client);
    loop.run_for(end - Clock::now() + patience);
    if (is_any_busy(clients))
        throw std::runtime_error(fmt::format("answers did not come within {} s", patience.count()));
    if (result.answers == 0) throw std::runtime_error("nothing was answered in the measured time");
    result.seconds = how.seconds;
    return result;
}

LoadResult run_open_loop(const Endpoint& endpoint, const Protocol& protocol, const OpenLoop& how) {
    asio::io_context loop(1);
    Schedule schedule(loop, make_clients(loop, endpoint, protocol, how.connections), how);
    schedule.send_due();
    loop.run_for(to_duration(how.seconds) + patience);
    LoadResult result = std::move(schedule.result);
    if (result.latencies_ms.size() < schedule.total)
        throw std::runtime_error(fmt::format("{} of {} requests were not answered within {} s",
                                             schedule.total - result.latencies_ms.size(),
                                             schedule.total,
                                             patience.count()));
    result.answers = schedule.total;
    result.seconds = seconds_between(schedule.begin, Clock::now());
    return result;
}

}  // namespace scheduler::bench
