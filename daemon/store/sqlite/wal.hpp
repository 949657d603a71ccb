#pragma once
/// The write-ahead log before SQLite reads it.

#include <filesystem>

namespace scheduler {

/// Writes a log that the last process left behind once more, as it reads, and syncs it. After a
/// failed fsync the kernel marks pages clean that it may not have written: the log then reads well,
/// a later sync finds nothing to do, and the next power cut loses what was committed behind the
/// hole. What is written again is dirty again. Costs a copy of the log, which is bounded; nothing
/// after a clean stop, which leaves no log. Throws SqliteError. Source: lwn.net/Articles/752063.
void write_wal_anew(const std::filesystem::path& database);

}  // namespace scheduler
