#include "daemon/spool/spool.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "daemon/spool/file_writer.hpp"
#include "tests/support/temp_dir.hpp"

using namespace scheduler;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t limit = 256 * kib;

const JobId job = *JobId::parse("018bcfe568007000800000000000abcd");

/// The output as a reader sees it: `.` for each missing byte.
std::string text_of(SpoolReader& reader) {
    std::string text;
    for (;;) {
        auto record = reader.next();
        REQUIRE(record);
        if (!*record) return text;
        if ((*record)->stream)
            text += (*record)->bytes;
        else
            text.append((*record)->missing, '.');
    }
}

/// Output in which each place can be told from its neighbours.
std::string output(std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; text.size() < bytes; ++i)
        text += std::to_string(i) + '\n';
    text.resize(bytes);
    return text;
}

OutputBatch piece_of(LogStream stream, std::int64_t at_ns, std::string_view bytes) {
    OutputBatch batch;
    batch.add(stream, at_ns, bytes);
    return batch;
}

void append(SpoolWriter& writer,
            std::string_view bytes,
            std::size_t piece = 1000,
            std::int64_t at_ns = 1) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
        REQUIRE(writer.append(piece_of(LogStream::out, at_ns, bytes.substr(0, piece))));
}

struct SpoolInDir {
    test::TempDir dir;
    Spool spool{dir / "logs", limit};
    fs::path final_path = dir / "logs" / "cd" / (job.to_string() + ".1");

    std::string text() const { return text_of(*spool.open_reader(job, 1)); }
    std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(final_path.parent_path()), {}));
    }
    fs::path part() const { return final_path.string() + ".part"; }
};

/// What the reader must see of `all` once it was cut to the limit.
std::string cut_to_limit(const std::string& all) {
    std::string kept = all;
    std::fill(
        kept.begin() + 64 * kib, kept.end() - static_cast<std::ptrdiff_t>(limit - 64 * kib), '.');
    return kept;
}

}  // namespace

TEST_CASE("the spool gives back records as they were appended", "[spool]") {
    SpoolInDir s;
    auto writer = s.spool.open_part(job, 1);
    REQUIRE(writer);
    REQUIRE((*writer)->append(
        piece_of(LogStream::out, 1'700'000'000'123'456'789, std::string_view("a\0b\n", 4))));
    REQUIRE((*writer)->append(piece_of(LogStream::err, -1, "oops")));
    REQUIRE((*writer)->append(piece_of(LogStream::err, 5, "")));
    CHECK((*writer)->bytes_seen() == 8);

    auto reader = s.spool.open_reader(job, 1);
    auto first = reader->next();
    REQUIRE((first && *first));
    CHECK((*first)->stream == LogStream::out);
    CHECK((*first)->at_ns == 1'700'000'000'123'456'789);
    CHECK((*first)->bytes == std::string("a\0b\n", 4));
    auto second = reader->next();
    REQUIRE((second && *second));
    CHECK((*second)->stream == LogStream::err);
    CHECK((*second)->at_ns == -1);
    auto third = reader->next();
    REQUIRE(third);
    CHECK_FALSE(*third);
}

TEST_CASE("an append longer than a record may be comes back whole", "[spool]") {
    test::TempDir dir;
    Spool spool(dir / "logs", 100 * kib * kib);
    auto all = output(3 * kib * kib + 1);
    REQUIRE((*spool.open_part(job, 1))->append(piece_of(LogStream::out, 1, all)));
    CHECK(text_of(*spool.open_reader(job, 1)) == all);
}

TEST_CASE("spool files are for the daemon's user alone", "[spool]") {
    SpoolInDir s;
    append(**s.spool.open_part(job, 1), "x");
    CHECK(fs::status(s.dir / "logs").permissions() == fs::perms::owner_all);
    CHECK(fs::status(s.final_path.parent_path()).permissions() == fs::perms::owner_all);
    CHECK(fs::status(s.part()).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("output can be read before it exists and while it grows", "[spool]") {
    SpoolInDir s;
    auto reader = s.spool.open_reader(job, 1);
    CHECK(text_of(*reader).empty());
    CHECK_FALSE(s.spool.has_output(job, 1));
    auto writer = std::move(*s.spool.open_part(job, 1));
    CHECK(text_of(*reader).empty());
    CHECK_FALSE(s.spool.has_output(job, 1));
    append(*writer, "one");
    CHECK(text_of(*reader) == "one");
    append(*writer, "two");
    CHECK(text_of(*reader) == "two");
    CHECK(s.spool.has_output(job, 1));
    CHECK_FALSE(s.spool.has_output(job, 2));
}

TEST_CASE("a record that is not all there yet waits for its rest", "[spool]") {
    SpoolInDir s;
    append(**s.spool.open_part(job, 1), "whole");
    std::ifstream file(s.part(), std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(file), {});
    fs::resize_file(s.part(), 0);
    auto reader = s.spool.open_reader(job, 1);
    for (char byte : bytes) {
        CHECK(text_of(*reader).empty());
        std::ofstream(s.part(), std::ios::binary | std::ios::app) << byte;
    }
    CHECK(text_of(*reader) == "whole");
}

TEST_CASE("commit leaves one file with the output, and may be repeated", "[spool]") {
    SpoolInDir s;
    append(**s.spool.open_part(job, 1), "output");
    REQUIRE(s.spool.commit(job, 1));
    REQUIRE(s.spool.commit(job, 1));
    CHECK(s.text() == "output");
    CHECK(fs::exists(s.final_path));
    CHECK(s.files() == 1);
    CHECK(s.spool.has_output(job, 1));
}

TEST_CASE("commit without any output is harmless", "[spool]") {
    SpoolInDir s;
    CHECK(s.spool.commit(job, 1));
    CHECK(s.text().empty());
    CHECK_FALSE(s.spool.has_output(job, 1));
}

TEST_CASE("commit keeps the copy that saw more output", "[spool]") {
    SpoolInDir s;
    // An engine that was stopped may have lost what was followed before.
    auto [part, whole] = GENERATE(std::pair("all of it", "all"), std::pair("all", "all of it"));
    append(**s.spool.open_part(job, 1), std::string_view(part).substr(0, 3));
    auto followed = *s.spool.open_part(job, 1);
    append(*followed, std::string_view(part).substr(0, 3));
    append(*followed, std::string_view(part).substr(3), 1000, 2);
    append(**s.spool.open_whole(job, 1), whole);
    REQUIRE(s.spool.commit(job, 1));
    CHECK(s.text() == "all of it");
    CHECK(s.files() == 1);
}

TEST_CASE("a copy that was not read to its end is no better than a followed one", "[spool]") {
    SpoolInDir s;
    auto [part, whole] = GENERATE(std::pair("all of it", "all"), std::pair("all", "all of it"));
    append(**s.spool.open_part(job, 1), part);
    append(**s.spool.open_whole(job, 1), whole);
    REQUIRE(s.spool.commit(job, 1, Spool::Whole::partial));
    CHECK(s.text() == "all of it");
    CHECK(s.files() == 1);
}

// A followed log repeats whole blocks when the engine changes its file: the longer copy would hide
// the end of the other.
TEST_CASE("commit keeps the end even if a followed copy has more bytes", "[spool]") {
    SpoolInDir s;
    append(**s.spool.open_part(job, 1), "one two one two one two ", 4);
    append(**s.spool.open_whole(job, 1), "one two three", 4);
    REQUIRE(s.spool.commit(job, 1));
    CHECK(s.text() == "one two three");
}

TEST_CASE("the beginning that was followed and the end that was read are joined with a gap",
          "[spool]") {
    SpoolInDir s;
    const std::string all = output(4 * limit);
    const std::string seen = all.substr(0, 100 * kib);
    const std::string kept = all.substr(2 * limit);
    append(**s.spool.open_part(job, 1), seen);
    if (GENERATE(false, true)) append(**s.spool.open_part(job, 1), kept, 1000, 2);  // after a crash
    append(**s.spool.open_whole(job, 1), kept, 1000, 2);
    REQUIRE(s.spool.commit(job, 1, Spool::Whole::complete));

    std::string text;
    int gaps = 0;
    auto reader = s.spool.open_reader(job, 1);
    for (auto record = reader->next(); *record; record = reader->next()) {
        text += (*record)->bytes;
        if ((*record)->stream) continue;
        ++gaps;
        CHECK(text == all.substr(0, 64 * kib));
        CHECK((*record)->may_be_more);
        CHECK((*record)->missing <= all.size() - limit);
    }
    CHECK(gaps == 1);
    CHECK(text.size() == limit);
    CHECK(text.substr(64 * kib) == all.substr(all.size() - (limit - 64 * kib)));
    CHECK(s.files() == 1);
}

TEST_CASE("an output whose beginning may be gone says so", "[spool]") {
    SpoolInDir s;
    append(**s.spool.open_whole(job, 1), "the end");
    bool is_sure = GENERATE(true, false);
    REQUIRE(
        s.spool.commit(job, 1, is_sure ? Spool::Whole::surely_complete : Spool::Whole::complete));
    auto first = s.spool.open_reader(job, 1)->next();
    REQUIRE(first);
    CHECK((*first)->stream.has_value() == is_sure);
    CHECK((*first)->may_be_more == !is_sure);
    CHECK(s.text() == "the end");
    REQUIRE(s.spool.commit(job, 1));  // as after a crash
    CHECK(s.text() == "the end");
}

TEST_CASE("a batch comes back piece by piece", "[spool]") {
    SpoolInDir s;
    OutputBatch batch;
    batch.add(LogStream::out, 1, "one");
    batch.add(LogStream::err, 2, "two");
    batch.add(LogStream::out, 3, "");
    REQUIRE((*s.spool.open_part(job, 1))->append(batch));
    auto reader = s.spool.open_reader(job, 1);
    auto one = *reader->next();
    auto two = *reader->next();
    CHECK((one->bytes == "one" && one->stream == LogStream::out && one->at_ns == 1));
    CHECK((two->bytes == "two" && two->stream == LogStream::err && two->at_ns == 2));
    CHECK_FALSE(*reader->next());
}

TEST_CASE("a commit that is done again never loses what an earlier one kept", "[spool]") {
    SpoolInDir s;
    append(**s.spool.open_part(job, 1), "all of it");
    REQUIRE(s.spool.commit(job, 1));
    append(**s.spool.open_part(job, 1), "all");
    append(**s.spool.open_whole(job, 1), "");
    REQUIRE(s.spool.commit(job, 1));
    CHECK(s.text() == "all of it");
    CHECK(s.files() == 1);
}

TEST_CASE("commit cuts off what a crash tore", "[spool]") {
    SpoolInDir s;
    append(**s.spool.open_part(job, 1), "good");
    std::ofstream(s.part(), std::ios::binary | std::ios::app) << std::string(100, '\0');
    CHECK(s.text() == "good");
    REQUIRE(s.spool.commit(job, 1));
    CHECK(s.text() == "good");
}

TEST_CASE("a final file that was damaged is told, not shown as a short output", "[spool]") {
    SpoolInDir s;
    append(**s.spool.open_part(job, 1), "good");
    REQUIRE(s.spool.commit(job, 1));
    std::ofstream(s.final_path, std::ios::binary | std::ios::app) << std::string(100, '\xff');
    auto reader = s.spool.open_reader(job, 1);
    REQUIRE(reader->next());
    auto damaged = reader->next();
    REQUIRE_FALSE(damaged);
    CHECK_THAT(damaged.error().message, Catch::Contains("damaged at byte 17"));
}

TEST_CASE("commit keeps an output at the limit whole, and cuts one byte more", "[spool]") {
    SpoolInDir s;
    auto piece = GENERATE(std::size_t{1000}, std::size_t{1}, std::size_t{1} << 30U);
    auto extra = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{5000});
    auto all = output(limit + extra);
    append(**s.spool.open_part(job, 1), all, piece);
    REQUIRE(s.spool.commit(job, 1));
    CHECK((s.text() == (extra == 0 ? all : cut_to_limit(all))));
}

TEST_CASE("a running output is cut to the limit when it passes twice the limit", "[spool]") {
    SpoolInDir s;
    auto writer = std::move(*s.spool.open_part(job, 1));
    auto all = output(2 * limit + 1);
    append(*writer, std::string_view(all).substr(0, 2 * limit));
    CHECK((s.text() == all.substr(0, 2 * limit)));
    append(*writer, std::string_view(all).substr(2 * limit));
    CHECK(writer->bytes_seen() == all.size());
    CHECK((s.text() == cut_to_limit(all.substr(0, 2 * limit)) + all.back()));
}

TEST_CASE("an output's own limit counts wherever it is written", "[spool]") {
    test::TempDir dir;
    Spool spool(dir / "logs", GENERATE(kib, 100 * limit));
    auto all = output(3 * limit);
    auto write = [&](SpoolWriter& writer) {
        append(writer, std::string_view(all).substr(0, 2 * limit), 1000);
        append(writer, std::string_view(all).substr(2 * limit), 1000);
    };
    bool is_whole = GENERATE(false, true);
    auto writer = is_whole ? *spool.open_whole(job, 1, limit) : *spool.open_part(job, 1, limit);
    write(*writer);
    auto whole = is_whole ? Spool::Whole::surely_complete : Spool::Whole::partial;
    REQUIRE(spool.commit(job, 1, whole, limit));
    CHECK((text_of(*spool.open_reader(job, 1)) == cut_to_limit(all)));
    // Once more, as after a crash.
    REQUIRE(spool.commit(job, 1, whole, limit));
    CHECK((text_of(*spool.open_reader(job, 1)) == cut_to_limit(all)));
}

TEST_CASE("an endless output stays bounded, and its gap says exactly how much is missing",
          "[spool]") {
    SpoolInDir s;
    auto writer = std::move(*s.spool.open_part(job, 1));
    auto all = output(20 * limit + 17);
    for (std::string_view rest = all; !rest.empty();
         rest.remove_prefix(std::min<std::size_t>(4096, rest.size()))) {
        append(*writer, rest.substr(0, 4096), 4096);
        REQUIRE(fs::file_size(s.part()) < 2 * limit + 4 * kib);
    }
    CHECK(writer->bytes_seen() == all.size());
    REQUIRE(s.spool.commit(job, 1));
    CHECK((s.text() == cut_to_limit(all)));
    CHECK(s.files() == 1);
}

TEST_CASE("a changed limit moves the gap, and still nothing is out of place", "[spool]") {
    SpoolInDir s;
    auto writer = std::move(*s.spool.open_part(job, 1));
    auto all = output(5 * limit);
    append(*writer, std::string_view(all).substr(0, 3 * limit));
    s.spool.set_limit(GENERATE(std::uint64_t{0}, 10 * kib, 100 * kib, 700 * kib));
    append(*writer, std::string_view(all).substr(3 * limit));
    REQUIRE(s.spool.commit(job, 1));
    auto text = s.text();
    REQUIRE(text.size() == all.size());
    std::size_t kept = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (text[i] == '.') continue;
        ++kept;
        if (text[i] != all[i]) FAIL("byte " << i << " is not the one that was written there");
    }
    CHECK(kept <= s.spool.limit());
}

TEST_CASE("a reader that keeps up loses nothing when the output is cut under it", "[spool]") {
    SpoolInDir s;
    auto writer = std::move(*s.spool.open_part(job, 1));
    auto reader = s.spool.open_reader(job, 1);
    auto all = output(6 * limit);
    std::string seen;
    for (std::string_view rest = all; !rest.empty();
         rest.remove_prefix(std::min<std::size_t>(3000, rest.size()))) {
        append(*writer, rest.substr(0, 3000));
        seen += text_of(*reader);
    }
    writer.reset();
    REQUIRE(s.spool.commit(job, 1));
    seen += text_of(*reader);
    CHECK((seen == all));
}

TEST_CASE("a slow reader meets a gap, and each byte stays in its place", "[spool]") {
    SpoolInDir s;
    auto writer = std::move(*s.spool.open_part(job, 1));
    auto reader = s.spool.open_reader(job, 1);
    auto all = output(6 * limit);
    std::minstd_rand random(GENERATE(1U, 2U, 3U));
    std::string seen;
    for (std::size_t done = 0; done < all.size();) {
        auto piece = std::min<std::size_t>(all.size() - done, 1 + random() % (limit / 2));
        append(*writer, std::string_view(all).substr(done, piece));
        done += piece;
        for (auto records = random() % 40; records > 0; --records) {
            auto record = reader->next();
            REQUIRE(record);
            if (!*record) break;
            if ((*record)->stream)
                seen += (*record)->bytes;
            else
                seen.append((*record)->missing, '.');
        }
    }
    writer.reset();
    append(**s.spool.open_whole(job, 1), all);
    REQUIRE(s.spool.commit(job, 1));
    seen += text_of(*reader);
    REQUIRE(seen.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i)
        if (seen[i] != '.' && seen[i] != all[i])
            FAIL("byte " << i << " is not the one that was written there");
    CHECK((seen.substr(all.size() - 1000) == all.substr(all.size() - 1000)));
}

TEST_CASE("a reader goes on where it was when the part is begun anew", "[spool]") {
    SpoolInDir s;
    auto writer = std::move(*s.spool.open_part(job, 1));
    auto reader = s.spool.open_reader(job, 1);
    append(*writer, "one two");
    CHECK(text_of(*reader) == "one two");
    writer = std::move(*s.spool.open_part(job, 1));
    CHECK(text_of(*reader).empty());
    append(*writer, "one ");
    CHECK(text_of(*reader).empty());
    append(*writer, "two three");
    CHECK(text_of(*reader) == " three");
    append(**s.spool.open_whole(job, 1), "one two three four", 5);
    REQUIRE(s.spool.commit(job, 1));
    CHECK(text_of(*reader) == " four");
}

TEST_CASE("a full disk is told as such, with the file's name", "[spool]") {
    std::atomic<std::uint64_t> bytes_max = limit;
    UniqueFd full(::open("/dev/full", O_RDWR | O_CLOEXEC));
    REQUIRE(full.is_open());
    FileWriter writer(std::move(full), "/dev/full", bytes_max);
    auto appended = writer.append(piece_of(LogStream::out, 1, "x"));
    REQUIRE_FALSE(appended);
    CHECK(appended.error().code == ErrorCode::disk_full);
    CHECK_THAT(appended.error().message, Catch::Contains("/dev/full"));
    CHECK(writer.bytes_seen() == 0);
}

TEST_CASE("a logs directory that can't be made is an error that names it", "[spool]") {
    test::TempDir dir;
    dir.write("file", "");
    Spool spool(dir.path() / "file" / "logs", limit);
    auto writer = spool.open_part(job, 1);
    REQUIRE_FALSE(writer);
    CHECK(writer.error().code == ErrorCode::internal);
    CHECK_THAT(writer.error().message, Catch::Contains("file"));
}
