#include "daemon/service/log_resume.hpp"

#include <deque>

#include <catch2/catch.hpp>

using namespace scheduler;

namespace {

/// Gives what it was given.
class FakeReader final : public SpoolReader {
  public:
    explicit FakeReader(std::deque<SpoolRecord> records) : records_(std::move(records)) {}
    Result<std::optional<SpoolRecord>> next() override {
        if (records_.empty()) return std::optional<SpoolRecord>();
        SpoolRecord record = std::move(records_.front());
        records_.pop_front();
        return std::optional(std::move(record));
    }

  private:
    std::deque<SpoolRecord> records_;
};

SpoolRecord piece(std::int64_t at_ns, std::string bytes) {
    SpoolRecord record;
    record.stream = LogStream::out;
    record.at_ns = at_ns;
    record.bytes = std::move(bytes);
    return record;
}

SpoolRecord gap(std::int64_t at_ns, std::uint64_t missing) {
    SpoolRecord record;
    record.at_ns = at_ns;
    record.missing = missing;
    return record;
}

/// What is read after `place`; `[N]` for a gap.
std::string read_after(LogPlace place, std::deque<SpoolRecord> records, LineStarts* lines = {}) {
    LineStarts own;
    FakeReader copy(records);
    bool is_held = holds_place(copy, place).value();
    ResumingReader reader(std::make_unique<FakeReader>(std::move(records)),
                          place,
                          is_held,
                          lines != nullptr ? *lines : own);
    std::string text;
    for (auto record = reader.next().value(); record; record = reader.next().value())
        text += record->stream ? record->bytes : "[" + std::to_string(record->missing) + "]";
    return text;
}

}  // namespace

TEST_CASE("a place is a time and the bytes of that time", "[service]") {
    LogPlace place;
    place.go_past(piece(5, "abc"));
    CHECK(place.to_string() == "5.3");
    place.go_past(piece(5, "de"));
    place.go_past(gap(5, 100));
    CHECK(place.to_string() == "5.5");
    place.go_past(piece(7, "x"));
    CHECK(place.to_string() == "7.1");
    auto parsed = LogPlace::parse("7.1");
    REQUIRE(parsed);
    CHECK(parsed->at_ns == 7);
    CHECK(parsed->bytes == 1);
    for (const char* text : {"", "7", "7.", ".1", "7.-1", "7.1 ", "x.1", "7.99999999999999999999"})
        CHECK_FALSE(LogPlace::parse(text));
}

TEST_CASE("reading goes on behind a place, in any copy that holds what follows", "[service]") {
    // Pieces of one time: the parts of a long line.
    CHECK(read_after({2, 2}, {piece(1, "a\n"), piece(2, "bc"), piece(2, "de"), piece(3, "f")}) ==
          "def");
    CHECK(read_after({2, 3}, {piece(1, "a\n"), piece(2, "bc"), piece(2, "de"), piece(3, "f")}) ==
          "ef");
    CHECK(read_after({3, 1}, {piece(1, "a\n"), piece(2, "bc"), piece(3, "f")}).empty());
    // Begun anew, with the beginning missing: a number of bytes would skip what is new.
    CHECK(read_after({3, 1}, {piece(3, "f"), piece(4, "g")}) == "g");
    CHECK(read_after({3, 1}, {piece(4, "g")}) == "g");
    // Compacted: a gap before the place is known, one behind it is not.
    CHECK(read_after({3, 1}, {piece(1, "a"), gap(2, 9), piece(3, "f"), piece(4, "g")}) == "g");
    CHECK(read_after({1, 1}, {piece(1, "a"), gap(2, 9), piece(4, "g")}) == "[9]g");
    CHECK(read_after({3, 1}, {piece(1, "a"), gap(2, 9), piece(4, "g")}) == "[9]g");
    // The streams are read apart, so their times cross: what stands before the place was told.
    CHECK(read_after({2, 1}, {piece(3, "a"), piece(4, "b"), piece(2, "c"), piece(5, "d")}) == "d");
    CHECK(read_after({3, 1}, {piece(3, "a"), piece(4, "b"), piece(2, "c"), piece(5, "d")}) ==
          "bcd");
    // The engine's clock was set back: nothing is left out.
    CHECK(read_after({3, 1}, {piece(1, "a"), piece(3, "f"), piece(2, "g")}) == "g");
}

TEST_CASE("it is known how the line stood that was left out", "[service]") {
    LineStarts lines;
    (void)read_after({2, 1}, {piece(1, "a\n"), piece(2, "bc")}, &lines);
    CHECK_FALSE(lines.out);
    (void)read_after({1, 2}, {piece(1, "a\n"), piece(2, "bc")}, &lines);
    CHECK(lines.out);
}
