#include "daemon/spool/file_writer.hpp"

#include <algorithm>

#include "daemon/spool/file.hpp"
#include "daemon/spool/record.hpp"

namespace scheduler {

Result<Done> FileWriter::append(LogStream stream, std::int64_t at_ns, std::string_view bytes) {
    if (bytes.empty()) return Done{};
    // Twice the limit: each byte is then copied once on average, however long the output grows.
    std::uint64_t limit = bytes_max_.load(std::memory_order_relaxed);
    if (holds_.bytes_kept + bytes.size() > std::max(2 * limit, limit + Spool::head_bytes))
        if (auto made = make_room(limit); !made) return made;
    buffer_.clear();
    for (std::string_view rest = bytes; !rest.empty();) {
        auto piece = rest.substr(0, record_payload_max);
        encode_record(buffer_, stream, at_ns, piece);
        rest.remove_prefix(piece.size());
    }
    if (auto written = spool_file::write_all(fd_.get(), path_, buffer_); !written) {
        // A part of it may stand in the file; it would hide whatever is appended when there is room
        // again. Should even this fail, what was seen is still right, and commit cuts the torn end
        // off.
        (void)spool_file::truncate(fd_.get(), path_, holds_.file_bytes);
        return written;
    }
    holds_.bytes_kept += bytes.size();
    holds_.file_bytes += buffer_.size();
    if (holds_.bytes_missing == 0) holds_.head_bytes = holds_.bytes_kept;
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
