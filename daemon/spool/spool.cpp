#include "daemon/spool/spool.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "daemon/base/failpoint.hpp"
#include "daemon/spool/compaction.hpp"
#include "daemon/spool/copies.hpp"
#include "daemon/spool/file.hpp"
#include "daemon/spool/file_reader.hpp"
#include "daemon/spool/file_writer.hpp"

namespace scheduler {
namespace {

using Path = std::filesystem::path;

constexpr std::string_view part_suffix = ".part";
constexpr std::string_view whole_suffix = ".whole";
constexpr std::string_view head_suffix = ".head";
constexpr std::string_view joined_suffix = ".joined";
constexpr std::string_view temporary_suffix = ".tmp";

Path with_suffix(Path path, std::string_view suffix) {
    path += suffix;
    return path;
}

/// A copy of the candidate within the limit, without a torn end, synced and under the final name.
Result<Done> put_in_place(const SpoolCopy& best, std::uint64_t bytes_max, const Path& final_path) {
    std::error_code ignored;
    bool is_torn = std::filesystem::file_size(best.path, ignored) != best.holds.file_bytes;
    if (best.holds.bytes_kept <= bytes_max && !is_torn) {
        if (auto synced = spool_file::sync(best.fd.get(), best.path); !synced) return synced;
        failpoint("output_synced");
        return best.path == final_path ? Result<Done>(Done{})
                                       : spool_file::rename_file(best.path, final_path);
    }
    Path temporary = with_suffix(final_path, temporary_suffix);
    auto fresh = spool_file::create(temporary);
    if (!fresh) return fail(fresh.error());
    auto compacted = compact(best.fd.get(), best.holds, bytes_max, fresh->get(), temporary);
    if (!compacted) return fail(compacted.error());
    if (auto synced = spool_file::sync(fresh->get(), temporary); !synced) return synced;
    failpoint("output_synced");
    return spool_file::rename_file(temporary, final_path);
}

}  // namespace

Spool::Spool(std::filesystem::path logs_dir, std::uint64_t bytes_max)
    : logs_dir_(std::move(logs_dir)), bytes_max_(bytes_max) {}

void Spool::set_limit(std::uint64_t bytes_max) {
    bytes_max_ = bytes_max;
}

std::uint64_t Spool::limit() const {
    return bytes_max_;
}

Result<std::unique_ptr<SpoolWriter>> Spool::open_part(JobId id,
                                                      int attempt,
                                                      std::optional<std::uint64_t> own_limit) {
    const Path part = path(id, attempt, part_suffix);
    const Path head = path(id, attempt, head_suffix);
    std::error_code none;  // an error, like an empty part, is nothing to keep
    if (std::filesystem::file_size(part, none) > 0 && !none && !std::filesystem::exists(head))
        if (auto kept = spool_file::rename_file(part, head); !kept) return fail(kept.error());
    return open_writer(path(id, attempt, part_suffix), own_limit);
}

Result<std::unique_ptr<SpoolWriter>> Spool::open_whole(JobId id,
                                                       int attempt,
                                                       std::optional<std::uint64_t> own_limit) {
    return open_writer(path(id, attempt, whole_suffix), own_limit);
}

void Spool::discard_whole(JobId id, int attempt) {
    // What can't be removed now is when the copy is begun anew.
    (void)spool_file::remove_file(path(id, attempt, whole_suffix));
}

Result<std::unique_ptr<SpoolWriter>> Spool::open_writer(const Path& path,
                                                        std::optional<std::uint64_t> own_limit) {
    auto fd = spool_file::create(path);
    if (!fd && !std::filesystem::exists(path.parent_path())) {
        if (auto made = spool_file::make_directories(path.parent_path()); !made)
            return fail(made.error());
        fd = spool_file::create(path);
    }
    if (!fd) return fail(fd.error());
    return std::unique_ptr<SpoolWriter>(
        std::make_unique<FileWriter>(std::move(*fd), path, bytes_max_, own_limit));
}

Result<Done> Spool::commit(JobId id,
                           int attempt,
                           Whole whole,
                           std::optional<std::uint64_t> own_limit) {
    const Path final_path = path(id, attempt, "");
    const std::uint64_t bytes_max = own_limit.value_or(bytes_max_);
    SpoolCopies copies;
    const std::array<std::pair<std::optional<SpoolCopy>*, std::string_view>, 4> places = {
        {{&copies.last, ""},
         {&copies.whole, whole_suffix},
         {&copies.part, part_suffix},
         {&copies.head, head_suffix}}};
    for (const auto& [copy, suffix] : places) {
        auto found = look_at(path(id, attempt, suffix));
        if (!found) return fail(found.error());
        *copy = std::move(*found);
    }
    auto best = best_of(std::move(copies), whole, path(id, attempt, joined_suffix), bytes_max);
    if (!best) return fail(best.error());
    if (!*best) return Done{};

    auto placed = put_in_place(**best, bytes_max, final_path);
    if (placed) failpoint("output_renamed");
    if (!placed) {
        // What was not finished takes room that may be just what is missing.
        (void)spool_file::remove_file(with_suffix(final_path, temporary_suffix));
        (void)spool_file::remove_file(path(id, attempt, joined_suffix));
        return placed;
    }
    for (std::string_view suffix : {part_suffix, whole_suffix, head_suffix, joined_suffix}) {
        const Path copy = path(id, attempt, suffix);
        if (auto removed = spool_file::remove_file(copy); !removed) return removed;
        if (auto removed = spool_file::remove_file(with_suffix(copy, temporary_suffix)); !removed)
            return removed;
    }
    return spool_file::sync_directory(final_path.parent_path());
}

std::uint64_t Spool::bytes_stored(JobId id, int attempt) const {
    std::error_code missing;
    auto size = std::filesystem::file_size(path(id, attempt, ""), missing);
    return missing ? 0 : size;
}

Result<Done> Spool::remove(JobId id, int attempts) {
    for (int attempt = 1; attempt <= attempts; ++attempt)
        for (std::string_view suffix :
             {std::string_view(), part_suffix, whole_suffix, head_suffix, joined_suffix})
            for (const Path& file : {path(id, attempt, suffix),
                                     with_suffix(path(id, attempt, suffix), temporary_suffix)})
                if (auto removed = spool_file::remove_file(file); !removed) return removed;
    return Done{};
}

std::unique_ptr<SpoolReader> Spool::open_reader(JobId id, int attempt) const {
    return std::make_unique<FileReader>(path(id, attempt, ""), path(id, attempt, part_suffix));
}

bool Spool::has_output(JobId id, int attempt) const {
    for (std::string_view suffix : {std::string_view(), part_suffix}) {
        std::error_code missing;
        auto size = std::filesystem::file_size(path(id, attempt, suffix), missing);
        if (!missing && size > 0) return true;
    }
    return false;
}

bool Spool::has_final_file(JobId id, int attempt) const {
    std::error_code ignored;
    return std::filesystem::exists(path(id, attempt, ""), ignored);
}

Path Spool::path(JobId id, int attempt, std::string_view suffix) const {
    // The last digits are random, so the directories fill evenly; the first ones are the time.
    std::string hex = id.to_string();
    return logs_dir_ / hex.substr(hex.size() - 2) / fmt::format("{}.{}{}", hex, attempt, suffix);
}

}  // namespace scheduler
