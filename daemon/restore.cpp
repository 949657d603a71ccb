#include "daemon/restore.hpp"

#include <array>
#include <cerrno>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "daemon/base/id_generator.hpp"
#include "daemon/base/random.hpp"
#include "daemon/spool/file.hpp"
#include "daemon/spool/spool.hpp"
#include "daemon/state_dir.hpp"
#include "daemon/store/sqlite/database_mark.hpp"
#include "daemon/store/sqlite/restored_database.hpp"

namespace scheduler {
namespace {

using Path = std::filesystem::path;

constexpr std::array side_files{"", "-wal", "-shm", "-journal"};

Path beside(const Path& path, std::string_view suffix) {
    Path file = path;
    file += suffix;
    return file;
}

Failure<Error> refused(std::string message) {
    return fail(ErrorCode::internal, std::move(message));
}

/// What a crash of an earlier restore left.
Result<Done> remove_leftovers(const Path& path) {
    for (const char* suffix : side_files)
        if (auto removed = spool_file::remove_file(beside(path, suffix)); !removed) return removed;
    return Done{};
}

Result<Done> check_target(const StateDir& state_dir) {
    std::error_code error;
    for (const char* suffix : side_files)
        if (std::filesystem::exists(beside(state_dir.database(), suffix), error) || error)
            return refused(fmt::format(
                "the state directory {} has a database already, and a restore never replaces one; "
                "give another --state-dir, or move {} away",
                state_dir.path().native(),
                beside(state_dir.database(), suffix).native()));
    return Done{};
}

/// A database that is in use has its newest commits beside it.
Result<Done> check_source(const Path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0)
        return refused(fmt::format("the backup {} can't be read: {}",
                                   file.native(),
                                   std::generic_category().message(errno)));
    if (!S_ISREG(status.st_mode))
        return refused(fmt::format("the backup {} is no file", file.native()));
    for (const char* suffix : {"-wal", "-journal"}) {
        struct stat log {};
        if (::stat(beside(file, suffix).c_str(), &log) == 0 && log.st_size > 0)
            return refused(fmt::format(
                "{} is a database in use, or a copy of one made by hand: {} lies beside it and "
                "holds a part of it; make a backup with schedctl backup",
                file.native(),
                beside(file, suffix).native()));
    }
    return Done{};
}

Result<Done> copy_bytes(const Path& from, const Path& to) {
    constexpr std::size_t piece_bytes = std::size_t{1} << 20U;
    auto source = spool_file::open_to_read(from);
    if (!source) return fail(source.error());
    auto target = spool_file::create(to);
    if (!target) return fail(target.error());
    std::vector<char> piece(piece_bytes);
    for (std::uint64_t offset = 0;;) {
        auto got = spool_file::read_at(source->get(), from, piece.data(), piece.size(), offset);
        if (!got) return fail(got.error());
        if (*got == 0) return Done{};
        if (auto written =
                spool_file::write_all(target->get(), to, std::string_view(piece.data(), *got));
            !written)
            return written;
        offset += *got;
    }
}

Result<Done> put_in_place(const StateDir& state_dir) {
    const Path whole = state_dir.restoring();
    for (const char* suffix : {"-wal", "-shm"})
        if (auto removed = spool_file::remove_file(beside(whole, suffix)); !removed) return removed;
    auto file = spool_file::open_to_read(whole);
    if (!file) return fail(file.error());
    if (auto synced = spool_file::sync(file->get(), whole); !synced) return synced;
    // Of a damaged one that was moved away it told the damage.
    if (auto marked = DatabaseMark(state_dir.database()).write(""); !marked) return marked;
    if (auto renamed = spool_file::rename_file(whole, state_dir.database()); !renamed)
        return renamed;
    return spool_file::sync_directory(state_dir.path());
}

std::string jobs(std::int64_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string summary(const Options& options, const RestoreReport& report) {
    std::string text = fmt::format("{} is restored into {}: {}, of which {} scheduled",
                                   options.restore,
                                   options.state_dir,
                                   jobs(report.jobs, "job", "jobs"),
                                   jobs(report.scheduled, "is", "are"));
    if (report.lost > 0)
        text += fmt::format("; {} running at the backup, and {} lost",
                            jobs(report.lost, "was", "were"),
                            report.lost == 1 ? "is" : "are");
    if (report.missed > 0 && options.run_missed)
        text += fmt::format("; {} due by now and will run",
                            jobs(report.missed, "of them is", "of them are"));
    else if (report.missed > 0)
        text += fmt::format(
            "; {} due by now, and did not run, since the original may have run "
            "what was due (--run-missed)",
            jobs(report.missed, "was", "were"));
    if (report.bare > 0)
        text += fmt::format(
            "; of {} the output is not in {}/logs, so logs can't show it and it does not count for "
            "--log-total (copy the output there before the restore)",
            jobs(report.bare, "job", "jobs"),
            options.state_dir);
    return text + ".\nIt is paused: start schedulerd, look at schedctl ls, then schedctl resume.";
}

}  // namespace

Result<std::string> restore(const Options& options, const Clock& clock) {
    const Path file(options.restore);
    if (auto checked = check_source(file); !checked) return fail(checked.error());
    auto state_dir = StateDir::open(options.state_dir);
    if (!state_dir) return fail(state_dir.error());
    if (auto checked = check_target(*state_dir); !checked) return fail(checked.error());
    const Path copy = state_dir->restoring();
    auto failed = [&](const Error& error) {
        (void)remove_leftovers(copy);
        return fail(error);
    };
    if (auto removed = remove_leftovers(copy); !removed) return fail(removed.error());
    if (auto copied = copy_bytes(file, copy); !copied) return failed(copied.error());
    RestoreOptions how;
    how.now = clock.now();
    how.run_missed = options.run_missed;
    Spool spool(state_dir->logs(), options.log_limit);
    how.has_output = [&spool](JobId id, int attempts) {
        for (int attempt = 1; attempt <= attempts; ++attempt)
            if (spool.has_output(id, attempt)) return true;
        return false;
    };
    how.instance = IdGenerator(clock, system_random(), std::nullopt).next().to_string();
    auto report = make_restored(copy, file, how);
    if (!report) return failed(report.error());
    if (auto placed = put_in_place(*state_dir); !placed) return failed(placed.error());
    return summary(options, *report);
}

}  // namespace scheduler
