#include "daemon/spool/file_reader.hpp"

#include <utility>

#include <sys/stat.h>

#include <fmt/format.h>

#include "daemon/spool/file.hpp"

namespace scheduler {

Result<std::optional<SpoolRecord>> FileReader::next() {
    for (;;) {
        if (!fd_.is_open()) {
            auto opened = open();
            if (!opened) return fail(opened.error());
            if (!*opened) return std::optional<SpoolRecord>();
        }
        auto record = next_here();
        if (!record || *record) return record;
        // At the end. Asked before one more read: what was appended before the file was replaced is
        // then all seen.
        bool replaced = is_replaced();
        record = next_here();
        if (!record || *record || !replaced) return record;
        fd_.reset();
    }
}

Result<std::optional<SpoolRecord>> FileReader::next_here() {
    SpoolRecord record;
    for (;;) {
        auto state = cursor_->next(record);
        if (!state) return fail(state.error());
        if (*state == RecordCursor::State::damaged && is_final_)
            return fail(ErrorCode::internal,
                        fmt::format("{} is damaged at byte {}: what follows there can't be read",
                                    final_path_.string(),
                                    cursor_->offset()));
        if (*state != RecordCursor::State::record) return std::optional<SpoolRecord>();
        // It may be told without a single byte that is known to be missing.
        if (record.may_be_more && record.missing == 0 && !std::exchange(has_told_open_gap_, true))
            return std::optional(std::move(record));
        std::uint64_t begin = file_place_;
        file_place_ += output_bytes(record);
        if (file_place_ <= given_place_) continue;
        if (begin < given_place_) {
            std::uint64_t known = given_place_ - begin;
            if (record.stream)
                record.bytes.erase(0, static_cast<std::size_t>(known));
            else
                record.missing -= known;
        }
        given_place_ = file_place_;
        return std::optional(std::move(record));
    }
}

Result<bool> FileReader::open() {
    // The final name is looked at again last: the part may have become it meanwhile.
    for (const auto* path : {&final_path_, &part_path_, &final_path_}) {
        auto fd = spool_file::open_to_read(*path);
        if (!fd) return fail(fd.error());
        if (!fd->is_open()) continue;
        fd_ = std::move(*fd);
        is_final_ = path == &final_path_;
        cursor_.emplace(fd_.get(), *path);
        file_place_ = 0;
        return true;
    }
    return false;
}

bool FileReader::is_replaced() const {
    struct stat here {};
    struct stat there {};
    if (::fstat(fd_.get(), &here) < 0) return false;
    if (::stat(final_path_.c_str(), &there) < 0 && ::stat(part_path_.c_str(), &there) < 0)
        return false;
    return here.st_ino != there.st_ino || here.st_dev != there.st_dev;
}

}  // namespace scheduler
