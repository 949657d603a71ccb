#pragma once
/// What the files of SQLite's write-ahead log say about commits that are missing from it. SQLite
/// takes the first frame with a wrong checksum for the log's end, since a power cut leaves such a
/// tail, and so passes over a log that was damaged or cut: commits that were acknowledged would be
/// gone in silence. Two witnesses tell the one from the other:
///
///   - frames behind the bad one that hold a whole commit and the begin of the next: the next is
///     only written when the commit before it is on the disk;
///   - `-shm`, which a killed process leaves behind: it counts the frames that were committed.
///
/// Before SQLite opens the files. Source: sqlite.org/walformat.html, SQLite 3.40.

#include <filesystem>
#include <optional>
#include <string>

namespace scheduler {

/// What is damaged, in words for a person; nothing when all that was committed is there, or when
/// nothing tells. Files that can't be read are left to SQLite.
std::optional<std::string> missing_commits(const std::filesystem::path& database);

}  // namespace scheduler
