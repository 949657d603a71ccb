#include "daemon/spool/copies.hpp"

#include <algorithm>
#include <utility>

#include "daemon/spool/file.hpp"
#include "daemon/spool/file_writer.hpp"
#include "daemon/spool/record.hpp"

namespace scheduler {
namespace {

using Copy = std::optional<SpoolCopy>;

bool is_empty(const Copy& copy) {
    return !copy || copy->holds.bytes_seen() == 0;
}

Result<bool> have_same_beginning(const SpoolCopy& left, const SpoolCopy& right) {
    SpoolRecord a;
    SpoolRecord b;
    auto has_a = RecordCursor(left.fd.get(), left.path).next(a);
    if (!has_a) return fail(has_a.error());
    auto has_b = RecordCursor(right.fd.get(), right.path).next(b);
    if (!has_b) return fail(has_b.error());
    if (*has_a != RecordCursor::State::record || *has_b != RecordCursor::State::record)
        return false;
    // The same piece may have come in two records, or been cut.
    std::size_t common = std::min(a.bytes.size(), b.bytes.size());
    return a.stream && a.stream == b.stream && a.at_ns == b.at_ns &&
           a.bytes.compare(0, common, b.bytes, 0, common) == 0;
}

/// Appends what stands before a gap, up to `bytes_max`.
Result<Done> copy_beginning(const SpoolCopy& from, std::uint64_t bytes_max, FileWriter& to) {
    RecordCursor cursor(from.fd.get(), from.path);
    OutputBatch batch;
    SpoolRecord record;
    while (batch.bytes().size() < bytes_max) {
        auto state = cursor.next(record);
        if (!state) return fail(state.error());
        if (*state != RecordCursor::State::record || !record.stream) break;
        batch.add(*record.stream,
                  record.at_ns,
                  std::string_view(record.bytes)
                      .substr(0, static_cast<std::size_t>(bytes_max - batch.bytes().size())));
    }
    return to.append(batch);
}

/// Appends all records; of a gap its count is part of the one that stands already.
Result<Done> copy_rest(const SpoolCopy& from, FileWriter& to) {
    constexpr std::size_t batch_bytes = std::size_t{256} * 1024;
    RecordCursor cursor(from.fd.get(), from.path);
    OutputBatch batch;
    SpoolRecord record;
    for (;;) {
        auto state = cursor.next(record);
        if (!state) return fail(state.error());
        bool is_end = *state != RecordCursor::State::record;
        if (!is_end && record.stream) batch.add(*record.stream, record.at_ns, record.bytes);
        if (!is_end && batch.bytes().size() < batch_bytes) continue;
        if (auto appended = to.append(batch); !appended || is_end) return appended;
        batch = {};
    }
}

/// The beginning of `head`, a gap, and what stands behind the gap of `rest` or all of it. How much
/// is missing between them is not known: the engine does not count what it drops.
Result<SpoolCopy> join(const Copy& head,
                       const SpoolCopy& rest,
                       const std::filesystem::path& path,
                       const std::atomic<std::uint64_t>& bytes_max) {
    auto fd = spool_file::create(path);
    if (!fd) return fail(fd.error());
    FileWriter writer(std::move(*fd), path, bytes_max);
    std::uint64_t head_max = std::min<std::uint64_t>(Spool::head_bytes, bytes_max / 2);
    if (head)
        if (auto copied = copy_beginning(*head, head_max, writer); !copied)
            return fail(copied.error());
    SpoolRecord first;
    if (auto state = RecordCursor(rest.fd.get(), rest.path).next(first); !state)
        return fail(state.error());
    auto gap = writer.append_gap(first.at_ns, rest.holds.bytes_missing, true);
    if (!gap) return fail(gap.error());
    if (auto copied = copy_rest(rest, writer); !copied) return fail(copied.error());
    auto joined = look_at(path);
    if (!joined) return fail(joined.error());
    return std::move(**joined);
}

/// Of two that begin alike. One that was followed may repeat some of it (log_file_bytes_min, in
/// daemon/engine/engine.hpp), so it must have seen later output, not just more.
bool is_behind(const SpoolCopy& read_at_end, const SpoolCopy& followed) {
    return followed.holds.bytes_seen() > read_at_end.holds.bytes_seen() &&
           followed.holds.last_at_ns > read_at_end.holds.last_at_ns;
}

}  // namespace

Result<Copy> look_at(std::filesystem::path path) {
    auto fd = spool_file::open_to_read(path);
    if (!fd) return fail(fd.error());
    if (!fd->is_open()) return Copy();
    auto summary = summarize(fd->get(), path);
    if (!summary) return fail(summary.error());
    return Copy(SpoolCopy{std::move(path), std::move(*fd), *summary});
}

Result<Copy> best_of(SpoolCopies copies,
                     Spool::Whole whole,
                     const std::filesystem::path& joined_path,
                     const std::atomic<std::uint64_t>& bytes_max) {
    auto& [last, end, part, head] = copies;
    bool is_read_to_end = whole != Spool::Whole::partial && !is_empty(end);
    if (!is_read_to_end) {
        // No better than the followed copy: the longer one is kept.
        if (part && (is_empty(end) || part->holds.bytes_seen() >= end->holds.bytes_seen()))
            std::swap(end, part);
        part.reset();
    }
    if (!is_empty(last)) {
        if (is_empty(end)) return std::move(last);
        auto is_same = have_same_beginning(*last, *end);
        if (!is_same) return fail(is_same.error());
        bool saw_more = end->holds.bytes_seen() > last->holds.bytes_seen();
        return *is_same && saw_more ? std::move(end) : std::move(last);
    }
    // The later of the two, unless the engine had dropped the beginning before it.
    bool is_part_better = is_empty(head);
    if (!is_part_better && !is_empty(part)) {
        auto is_same = have_same_beginning(*head, *part);
        if (!is_same) return fail(is_same.error());
        is_part_better = *is_same && part->holds.bytes_seen() > head->holds.bytes_seen();
    }
    Copy& beginning = is_part_better ? part : head;
    if (is_empty(end)) {
        if (!is_empty(beginning)) return std::move(beginning);
        return end ? std::move(end) : std::move(last);  // an output may be empty
    }
    if (!is_empty(beginning)) {
        auto is_same = have_same_beginning(*beginning, *end);
        if (!is_same) return fail(is_same.error());
        if (*is_same) return is_behind(*end, *beginning) ? std::move(beginning) : std::move(end);
    } else if (!is_read_to_end || whole == Spool::Whole::surely_complete) {
        return std::move(end);
    }
    auto joined =
        join(is_empty(beginning) ? Copy() : std::move(beginning), *end, joined_path, bytes_max);
    if (!joined) return fail(joined.error());
    return Copy(std::move(*joined));
}

}  // namespace scheduler
