#include "daemon/engine/docker/line_mender.hpp"

#include <string>

#include <catch2/catch.hpp>

using namespace scheduler;

namespace {

struct Mended {
    std::string out;
    std::string err;
    LogFrameSink sink = mend_lines([this](const LogFrame& frame) {
        (frame.stream == LogStream::out ? out : err) += frame.bytes;
        return true;
    });
    void take(std::string_view bytes, LogStream stream = LogStream::out) {
        REQUIRE(sink(LogFrame{stream, {}, bytes}));
    }
};

const std::string full(16 * 1024, 'x');

}  // namespace

TEST_CASE("a long line gets the newline back that the engine's log lost", "[engine]") {
    Mended mended;
    mended.take(full);
    mended.take("rest");
    mended.take("next\n");
    CHECK(mended.out == full + "rest\nnext\n");
}

TEST_CASE("a long line of whole pieces ends with an empty piece", "[engine]") {
    Mended mended;
    mended.take(full);
    mended.take("");
    CHECK(mended.out == full + "\n");
}

TEST_CASE("a newline is given back on its own stream alone", "[engine]") {
    Mended mended;
    mended.take(full);
    mended.take("rest");
    mended.take("error\n", LogStream::err);
    CHECK(mended.out == full + "rest");
    CHECK(mended.err == "error\n");
}

TEST_CASE("no newline is invented within a line or at the end", "[engine]") {
    Mended mended;
    mended.take(full);
    mended.take(full);
    mended.take("rest\n");
    mended.take("unterminated");
    CHECK(mended.out == full + full + "rest\nunterminated");
}
