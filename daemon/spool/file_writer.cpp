#include "daemon/spool/file_writer.hpp"

#include <algorithm>

#include "daemon/spool/file.hpp"
#include "daemon/spool/record.hpp"

namespace scheduler {

Result<Done> FileWriter::append(const OutputBatch& batch) {
    if (batch.is_empty()) return Done{};
    // Twice the limit: each byte is then copied once on average, however long the output grows.
    std::uint64_t limit = own_bytes_max_.value_or(bytes_max_.load(std::memory_order_relaxed));
    if (holds_.bytes_kept + batch.bytes().size() > std::max(2 * limit, limit + Spool::head_bytes))
        if (auto made = make_room(limit); !made) return made;
    buffer_.clear();
    std::int64_t last_at_ns = holds_.last_at_ns;
    std::string_view rest = batch.bytes();
    for (const auto& piece : batch.pieces()) {
        std::string_view bytes = rest.substr(0, piece.length);
        rest.remove_prefix(piece.length);
        for (; !bytes.empty(); bytes.remove_prefix(std::min(record_payload_max, bytes.size())))
            encode_record(buffer_, piece.stream, piece.at_ns, bytes.substr(0, record_payload_max));
        last_at_ns = std::max(last_at_ns, piece.at_ns);
    }
    if (auto written = write_records(); !written) return written;
    holds_.bytes_kept += batch.bytes().size();
    holds_.last_at_ns = last_at_ns;
    if (!holds_.has_gap) holds_.head_bytes = holds_.bytes_kept;
    return Done{};
}

Result<Done> FileWriter::append_gap(std::int64_t at_ns, std::uint64_t missing, bool may_be_more) {
    buffer_.clear();
    encode_gap(buffer_, at_ns, missing, may_be_more);
    if (auto written = write_records(); !written) return written;
    holds_.bytes_missing += missing;
    holds_.has_gap = true;
    holds_.may_miss_more = may_be_more;
    return Done{};
}

Result<Done> FileWriter::write_records() {
    if (auto written = spool_file::write_all(fd_.get(), path_, buffer_); !written) {
        // A part of it may stand in the file; it would hide whatever is appended when there is room
        // again. Should even this fail, what was seen is still right, and commit cuts the torn end
        // off.
        (void)spool_file::truncate(fd_.get(), path_, holds_.file_bytes);
        return written;
    }
    holds_.file_bytes += buffer_.size();
    return Done{};
}

Result<Done> FileWriter::make_room(std::uint64_t limit) {
    if (holds_.bytes_kept <= limit) return Done{};
    auto fresh_path = path_;
    fresh_path += ".tmp";
    auto fresh = spool_file::create(fresh_path);
    if (!fresh) return fail(fresh.error());
    auto compacted = compact(fd_.get(), holds_, limit, fresh->get(), fresh_path);
    Result<Done> replaced =
        compacted ? spool_file::rename_file(fresh_path, path_) : fail(compacted.error());
    if (!replaced) {
        (void)spool_file::remove_file(fresh_path);  // the first error is the one to tell
        return replaced;
    }
    fd_ = std::move(*fresh);
    holds_ = *compacted;
    return Done{};
}

}  // namespace scheduler
