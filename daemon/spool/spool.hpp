#pragma once
/// The spool: job output on disk, STATE/logs/<2 hex of the id's random tail>/<id>.<attempt>.
/// A file is a sequence of records: stream (1 byte: 1 stdout, 2 stderr, 0 a gap), time (8 bytes, ns
/// since the epoch), length (4 bytes), payload; integers are little-endian. A gap's payload is 8
/// bytes: how many bytes of output are missing there; a ninth byte, 1, says that they may be more.
/// While a job runs its output is in `<name>.part`; `<name>.head` is what an earlier `.part` held.
/// At the limit the first 64 KiB and the newest rest are kept. Directories are 0700, files 0600.
///
/// A place in the output is a number of its bytes, those missing included. So a reader finds its
/// place again in any file of the same attempt: one that was compacted, begun anew, or is the final
/// one.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.hpp"
#include "common/requests/logs.hpp"
#include "common/result.hpp"
#include "daemon/base/published.hpp"

namespace scheduler {

struct SpoolRecord {
    std::optional<LogStream> stream;  ///< nothing: a gap
    std::int64_t at_ns = 0;
    std::string bytes;
    std::uint64_t missing = 0;  ///< of a gap
    bool may_be_more = false;   ///< of a gap: `missing` is what is known
};

/// Pieces of output in their order, to be written together.
class OutputBatch {
  public:
    struct Piece {
        LogStream stream = LogStream::out;
        std::int64_t at_ns = 0;
        std::size_t length = 0;
    };

    void add(LogStream stream, std::int64_t at_ns, std::string_view bytes) {
        if (bytes.empty()) return;
        pieces_.push_back({stream, at_ns, bytes.size()});
        bytes_.append(bytes);
    }
    [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }
    [[nodiscard]] bool is_empty() const { return pieces_.empty(); }

  private:
    std::vector<Piece> pieces_;
    std::string bytes_;  ///< of all pieces
};

/// Writes one attempt's output. One thread at a time; appends go to the page cache and are seen by
/// readers at once. Nothing is synced: that is Spool::commit's.
class SpoolWriter {
  public:
    virtual ~SpoolWriter() = default;
    /// Appends, and makes room when twice the limit is passed. After an error nothing of it was
    /// appended. Errors: disk_full, internal.
    virtual Result<Done> append(const OutputBatch& batch) = 0;
    /// Bytes of output seen so far, kept or not.
    [[nodiscard]] virtual std::uint64_t bytes_seen() const = 0;
};

/// Reads one attempt's output from its beginning, also while it grows and when `.part` is replaced
/// by the final file under it: no byte comes twice, and none is left out but for a gap that says
/// so. One thread at a time.
class SpoolReader {
  public:
    virtual ~SpoolReader() = default;
    /// The next record; nothing at the end of what there is now (ask again later). Errors:
    /// internal.
    virtual Result<std::optional<SpoolRecord>> next() = 0;
};

/// Any thread, but one at a time for the same attempt's writing and committing. Outlives its
/// writers.
class Spool {
  public:
    /// Kept from the beginning of an output that is over the limit.
    static constexpr std::uint64_t head_bytes = std::uint64_t{64} * 1024;

    /// `bytes_max`: output kept an attempt, where its job has no limit of its own. That one is
    /// given to all that writes the attempt's files.
    Spool(std::filesystem::path logs_dir, std::uint64_t bytes_max);

    void set_limit(std::uint64_t bytes_max);
    [[nodiscard]] std::uint64_t limit() const;

    /// A new `.part`. The first one that it takes the place of becomes `.head`: it may hold a
    /// beginning that the engine has no more. Errors: disk_full, internal.
    Result<std::unique_ptr<SpoolWriter>> open_part(JobId id,
                                                   int attempt,
                                                   std::optional<std::uint64_t> own_limit = {});
    /// A second copy beside it, `.whole`: what is read again at the end. Errors: disk_full,
    /// internal.
    Result<std::unique_ptr<SpoolWriter>> open_whole(JobId id,
                                                    int attempt,
                                                    std::optional<std::uint64_t> own_limit = {});
    /// Gives the room of a second copy back that could not be finished. Blocks on the disk.
    void discard_whole(JobId id, int attempt);

    /// What the `.whole` of an attempt is, for commit.
    enum class Whole {
        complete,         ///< all that the engine had at the end; maybe not from the beginning
        surely_complete,  ///< the same, and nothing can have gone before it was read
        partial,          ///< not read, or not to its end: no better than the `.part`
    };
    /// Syncs, renames to the final name and syncs the directory: the output with its end, and with
    /// its beginning if that was ever seen, cut to the limit; where it can't be shown that nothing
    /// is missing in between, a gap says so. Nothing is left but the final file; an older final
    /// file gives way only to one that saw more. Harmless when repeated or when there was no
    /// output. Blocks on the disk. Errors: disk_full, internal.
    Result<Done> commit(JobId id,
                        int attempt,
                        Whole whole = Whole::surely_complete,
                        std::optional<std::uint64_t> own_limit = {});

    /// Size of the attempt's final file, 0 where there is none.
    [[nodiscard]] std::uint64_t bytes_stored(JobId id, int attempt) const;
    /// Removes all files of the attempts 1 to `attempts`, those that a crash left too. Harmless
    /// when repeated. Blocks on the disk. Errors: internal.
    Result<Done> remove(JobId id, int attempts);
    /// What hinders output from being kept at present, for people who ask whether all is well;
    /// empty: nothing. Whoever keeps an output sets it.
    void set_trouble(std::string sentence) { trouble_.set(std::move(sentence)); }
    [[nodiscard]] std::string trouble() const { return trouble_.get(); }

    /// Works before the output exists (it is then empty for the time being).
    std::unique_ptr<SpoolReader> open_reader(JobId id, int attempt) const;
    /// True once output was written and until it is removed.
    [[nodiscard]] bool has_output(JobId id, int attempt) const;
    /// True once `commit` put the final file there, though it may be empty.
    [[nodiscard]] bool has_final_file(JobId id, int attempt) const;
    [[nodiscard]] const std::filesystem::path& directory() const { return logs_dir_; }

  private:
    /// Errors: disk_full, internal.
    Result<std::unique_ptr<SpoolWriter>> open_writer(const std::filesystem::path& path,
                                                     std::optional<std::uint64_t> own_limit);
    [[nodiscard]] std::filesystem::path path(JobId id, int attempt, std::string_view suffix) const;
    std::filesystem::path logs_dir_;
    std::atomic<std::uint64_t> bytes_max_;
    Published<std::string> trouble_;
};

}  // namespace scheduler
