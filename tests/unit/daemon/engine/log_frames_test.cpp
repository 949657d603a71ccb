#include "daemon/engine/docker/log_frames.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace scheduler;
using Outcome = LogFrameParser::Outcome;

namespace {

std::string frame(char stream, std::string_view payload) {
    std::string bytes{stream, '\0', '\0', '\0'};
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes += static_cast<char>(
            static_cast<unsigned char>(payload.size() >> static_cast<unsigned>(shift)));
    return bytes.append(payload);
}

struct Seen {
    LogStream stream;
    std::int64_t at_ns;
    std::string bytes;
    bool operator==(const Seen&) const = default;
};

struct Collector {
    std::vector<Seen> seen;
    LogFrameParser parser{[this](const LogFrame& log_frame) {
        seen.push_back({log_frame.stream,
                        log_frame.at.time_since_epoch().count(),
                        std::string(log_frame.bytes)});
        return true;
    }};
};

constexpr std::int64_t time_ns = 1'795'451'078'372'033'664;

}  // namespace

TEST_CASE("frames are the same wherever the reads are split", "[engine]") {
    std::string body = frame(1, "2026-11-23T16:24:38.372033664Z out\n") + frame(1, "") +
                       frame(2, "2026-11-23T16:24:38Z err without newline") +
                       frame(1, std::string("2026-11-23T16:24:38.372033664Z \0\xff", 33));
    const std::vector<Seen> expected{
        {LogStream::out, time_ns, "out\n"},
        {LogStream::err, 1'795'451'078'000'000'000, "err without newline"},
        {LogStream::out, time_ns, std::string("\0\xff", 2)}};
    for (std::size_t split = 0; split <= body.size(); ++split) {
        Collector collector;
        CHECK(collector.parser.feed(std::string_view(body).substr(0, split)) == Outcome::more);
        CHECK(collector.parser.feed(std::string_view(body).substr(split)) == Outcome::more);
        CHECK(collector.seen == expected);
        CHECK(collector.parser.is_at_boundary());
    }
    Collector by_byte;
    for (char c : body)
        CHECK(by_byte.parser.feed({&c, 1}) == Outcome::more);
    CHECK(by_byte.seen == expected);
}

TEST_CASE("a frame larger than a piece comes in pieces with one time", "[engine]") {
    std::string text(3 * LogFrameParser::piece_bytes_max + 7, 'x');
    std::string body =
        frame(2, "2026-11-23T16:24:38.372033664Z " + text) + frame(1, "2026-11-23T16:24:38Z end");
    for (std::size_t read_bytes :
         {std::size_t{1000}, LogFrameParser::piece_bytes_max, body.size()}) {
        Collector collector;
        for (std::size_t at = 0; at < body.size(); at += read_bytes)
            CHECK(collector.parser.feed(std::string_view(body).substr(at, read_bytes)) ==
                  Outcome::more);
        std::string joined;
        for (const Seen& piece : collector.seen) {
            CHECK(piece.bytes.size() <= LogFrameParser::piece_bytes_max);
            if (piece.stream != LogStream::err) continue;
            CHECK(piece.at_ns == time_ns);
            joined += piece.bytes;
        }
        CHECK(joined == text);
        CHECK(collector.seen.back().bytes == "end");
    }
}

TEST_CASE("a payload without a time is kept whole", "[engine]") {
    Collector collector;
    CHECK(collector.parser.feed(frame(1, "no time here") + frame(1, "none")) == Outcome::more);
    CHECK(collector.seen ==
          std::vector<Seen>{{LogStream::out, 0, "no time here"}, {LogStream::out, 0, "none"}});
}

TEST_CASE("a body that ends within a frame is not at a boundary", "[engine]") {
    std::string body = frame(1, "2026-11-23T16:24:38Z text");
    for (std::size_t length = 1; length < body.size(); ++length) {
        Collector collector;
        CHECK(collector.parser.feed(body.substr(0, length)) == Outcome::more);
        CHECK_FALSE(collector.parser.is_at_boundary());
    }
}

TEST_CASE("the sink can end the reading of frames", "[engine]") {
    int count = 0;
    LogFrameParser parser([&](const LogFrame&) { return ++count < 2; });
    std::string body = frame(1, "a") + frame(1, "b") + frame(1, "c");
    CHECK(parser.feed(body) == Outcome::stopped);
    CHECK(count == 2);
}

TEST_CASE("bytes that are no frames are an error", "[engine]") {
    Collector terminal;
    CHECK(terminal.parser.feed("a terminal's raw output\r\n") == Outcome::broken);
    CHECK_THAT(terminal.parser.error(), Catch::Contains("terminal"));
    Collector reported;
    CHECK(reported.parser.feed(frame(3, "error from daemon in stream: disk gone")) ==
          Outcome::broken);
    CHECK_THAT(reported.parser.error(), Catch::Contains("disk gone"));
    CHECK(reported.seen.empty());
}
