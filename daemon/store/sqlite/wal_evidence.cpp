#include "daemon/store/sqlite/wal_evidence.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/unique_fd.hpp"

namespace scheduler {
namespace {

constexpr std::size_t header_bytes = 32;
constexpr std::size_t frame_header_bytes = 24;
constexpr std::uint32_t magic_little = 0x377f0682;  ///< checksums read words as little-endian
constexpr std::uint32_t format_version = 3007000;
constexpr std::size_t index_header_bytes = 48;

constexpr bool is_little_here = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

using Bytes = std::span<const std::uint8_t>;

std::uint32_t word(Bytes bytes, std::size_t at, bool is_little) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return is_little == is_little_here ? value : __builtin_bswap32(value);
}

/// The file format's numbers are big-endian, whatever the checksums read.
std::uint32_t number(Bytes bytes, std::size_t at) {
    return word(bytes, at, false);
}

struct Checksum {
    std::uint32_t first = 0;
    std::uint32_t second = 0;

    void add(Bytes bytes, bool is_little) {
        for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
            first += word(bytes, at, is_little) + second;
            second += word(bytes, at + 4, is_little) + first;
        }
    }
    [[nodiscard]] bool is_at(Bytes bytes, std::size_t at) const {
        return number(bytes, at) == first && number(bytes, at + 4) == second;
    }
    static Checksum stored(Bytes bytes, std::size_t at) {
        return {number(bytes, at), number(bytes, at + 4)};
    }
};

std::vector<std::uint8_t> read_at(int fd, std::size_t size, std::size_t offset) {
    std::vector<std::uint8_t> bytes(size);
    std::size_t got = 0;
    while (got < size) {
        auto count = ::pread(fd, bytes.data() + got, size - got, static_cast<off_t>(offset + got));
        if (count <= 0) break;
        got += static_cast<std::size_t>(count);
    }
    bytes.resize(got);
    return bytes;
}

UniqueFd open_beside(const std::filesystem::path& database, const char* suffix) {
    auto path = database;
    path += suffix;
    return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

/// What the last process that had the database open counted. Written after the log is synced.
struct SharedCount {
    std::uint32_t frames = 0;        ///< committed
    std::uint32_t checkpointed = 0;  ///< of these, in the database file already
    std::array<std::uint8_t, 8> salts{};
};

std::optional<SharedCount> read_shared(const std::filesystem::path& database) {
    UniqueFd fd = open_beside(database, "-shm");
    if (!fd.is_open()) return std::nullopt;
    auto bytes = read_at(fd.get(), 2 * index_header_bytes + 4, 0);
    if (bytes.size() < 2 * index_header_bytes + 4) return std::nullopt;
    const std::uint8_t* data = bytes.data();
    if (std::memcmp(data, data + index_header_bytes, index_header_bytes) != 0) return std::nullopt;
    // Native byte order: it never leaves the machine.
    auto native = [&](std::size_t at) {
        std::uint32_t value = 0;
        std::memcpy(&value, data + at, sizeof value);
        return value;
    };
    Checksum checksum;
    checksum.add(Bytes(bytes).first(40), is_little_here);
    bool is_whole = native(0) == format_version && data[12] == 1 && native(40) == checksum.first &&
                    native(44) == checksum.second;
    if (!is_whole) return std::nullopt;
    SharedCount count{native(16), native(2 * index_header_bytes), {}};
    std::memcpy(count.salts.data(), data + 32, count.salts.size());
    return count;
}

/// What a walk over the log finds.
struct LogContent {
    bool has_header = false;
    std::array<std::uint8_t, 8> salts{};
    std::uint32_t frames =
        0;  ///< up to the last commit before the first bad frame: what SQLite uses
    std::optional<std::uint32_t> bad;  ///< the first frame that is not what was written
    bool has_later_commit = false;     ///< behind the bad one, followed by the begin of another
};

LogContent read_log(int fd) {
    LogContent log;
    auto header = read_at(fd, header_bytes, 0);
    if (header.size() < header_bytes) return log;
    const std::uint32_t magic = number(header, 0);
    const bool is_little = magic == magic_little;
    Checksum chain;
    chain.add(Bytes(header).first(24), is_little);
    const std::uint32_t page = number(header, 8);
    bool is_page = page >= 512 && page <= 65536 && (page & (page - 1)) == 0;
    log.has_header = (magic & ~1U) == magic_little && chain.is_at(header, 24) && is_page &&
                     number(header, 4) == format_version;
    if (!log.has_header) return log;
    std::memcpy(log.salts.data(), header.data() + 16, log.salts.size());

    bool was_commit = false;  // the frame before is what was written, and ends a commit
    std::size_t offset = header_bytes;
    for (std::uint32_t frame = 1;; ++frame, offset += frame_header_bytes + page) {
        auto head = read_at(fd, frame_header_bytes, offset);
        if (head.size() < frame_header_bytes) return log;
        bool fits = std::memcmp(head.data() + 8, log.salts.data(), log.salts.size()) == 0;
        if (fits) {  // else of an older round: not worth its checksum
            auto content = read_at(fd, page, offset + frame_header_bytes);
            chain.add(Bytes(head).first(8), is_little);
            chain.add(content, is_little);
            fits = content.size() == page && chain.is_at(head, 16);
            // Behind a bad frame the chain begins anew with what the frame itself says.
            chain = Checksum::stored(head, 16);
        }
        if (!fits && !log.bad) log.bad = frame;
        log.has_later_commit = log.bad && was_commit && fits;
        was_commit = fits && number(head, 4) != 0;
        if (!log.bad && was_commit) log.frames = frame;
        if (log.has_later_commit) return log;
    }
}

}  // namespace

std::optional<std::string> missing_commits(const std::filesystem::path& database) {
    // First, so that a program that commits meanwhile can only make the log longer.
    auto shared = read_shared(database);
    UniqueFd fd = open_beside(database, "-wal");
    LogContent log = fd.is_open() ? read_log(fd.get()) : LogContent{};
    std::string name = database.filename().native() + "-wal";
    if (log.has_later_commit)
        return fmt::format(
            "frame {} of {} is damaged, and commits stand behind it", *log.bad, name);
    if (!shared || shared->frames == 0) return std::nullopt;
    const bool all_copied = shared->checkpointed >= shared->frames;
    if (!log.has_header) {
        if (all_copied) return std::nullopt;
        return fmt::format(
            "{} has no readable header, and {} frames were committed in it", name, shared->frames);
    }
    if (log.salts != shared->salts || log.frames >= shared->frames) return std::nullopt;
    return fmt::format("{} holds {} whole frames of the {} that were committed in it",
                       name,
                       log.frames,
                       shared->frames);
}

}  // namespace scheduler
