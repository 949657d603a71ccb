#include "daemon/service/backup.hpp"

#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "daemon/base/failpoint.hpp"
#include "daemon/base/log.hpp"
#include "daemon/service/service_parts.hpp"
#include "daemon/spool/file.hpp"

namespace scheduler {
namespace {

using Path = std::filesystem::path;

/// One daemon has this instance, and makes one backup at a time: nobody else writes this file.
Path unfinished(const Path& directory, const std::string& instance) {
    return directory / fmt::format("backup-of-{}.unfinished", instance);
}

Failure<Error> bad(std::string message) {
    return fail(ErrorCode::bad_field, std::move(message));
}

Failure<Error> is_there(const Path& file) {
    return bad(
        fmt::format("{} is there already, and a backup never replaces a file; give another name",
                    file.native()));
}

/// What helps where the daemon may not write.
std::string better_path(const Path& file, const Path& backups) {
    if (backups.empty()) return "give a path where schedulerd may write";
    return fmt::format(
        "give {}, which schedulerd may write; to others systemd's ReadWritePaths= "
        "lets it",
        (backups / file.filename()).native());
}

}  // namespace

Result<Path> Backup::check(const std::string& text, const Path& backups) {
    const Path file(text);
    bool is_whole = file.is_absolute() && file.has_filename() && file.filename() != "." &&
                    file.filename() != "..";
    if (!is_whole || text.find('\0') != std::string::npos)
        return bad(fmt::format("file \"{}\" is no absolute path of a file; write /DIR/NAME",
                               text.substr(0, 128)));
    if (text.size() > BackupRequest::path_bytes_max)
        return bad(fmt::format("file has {} bytes, and {} is the longest path that is taken",
                               text.size(),
                               BackupRequest::path_bytes_max));
    struct stat status {};
    if (::stat(file.parent_path().c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
        return bad(
            fmt::format("there is no directory {} that schedulerd (uid {}) can see; make it, or {}",
                        file.parent_path().native(),
                        ::geteuid(),
                        better_path(file, backups)));
    if (::lstat(file.c_str(), &status) == 0) return is_there(file);
    return file;
}

void Backup::remove_unfinished(const Path& directory, const std::string& instance) {
    const Path file = unfinished(directory, instance);
    std::error_code error;
    if (std::filesystem::remove(file, error))
        log_info("unfinished_backup_removed", {{"file", file.native()}});
    else if (error)
        log_warning("unfinished_backup_not_removed",
                    {{"file", file.native()}, {"error", error.message()}});
}

Backup::Backup(Parts parts, Path file, Reply<BackupResponse> reply)
    : parts_(std::move(parts)),
      file_(std::move(file)),
      temporary_(unfinished(file_.parent_path(), parts_.instance)),
      reply_(std::move(reply)) {}

Backup::~Backup() {
    if (!has_ended_) *parts_.is_under_way = false;
}

void Backup::begin() {
    parts_.steps.post([self = shared_from_this()] {
        // One that is there was left by a backup that did not end.
        auto created = spool_file::create(self->temporary_);
        if (!created && created.error().code != ErrorCode::disk_full)
            return self->end(bad(fmt::format("{}; {}",
                                             created.error().message,
                                             better_path(self->file_, self->parts_.backups))));
        if (!created) return self->end(fail(created.error()));
        self->fd_ = std::move(*created);
        Reply<Done> reply = [self](Result<Done> begun) {
            if (!begun) return self->end(fail(begun.error()));
            self->copy_slice();
        };
        self->parts_.store.begin_copy(self->temporary_,
                                      reply_on<Done>(self->parts_.steps, std::move(reply)));
    });
}

void Backup::copy_slice() {
    Reply<bool> reply = [self = shared_from_this()](Result<bool> is_whole) {
        self->on_slice(std::move(is_whole));
    };
    parts_.store.copy_slice(reply_on<bool>(parts_.steps, std::move(reply)));
}

void Backup::on_slice(Result<bool> is_whole) {
    if (!is_whole) return end(fail(is_whole.error()));
    if (auto synced = spool_file::sync(fd_.get(), temporary_); !synced)
        return end(fail(synced.error()));
    failpoint("backup_slice");
    if (!*is_whole) return copy_slice();
    end(put_in_place());
}

/// link(2), since rename(2) would replace a file that came meanwhile.
Result<BackupResponse> Backup::put_in_place() {
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) return spool_file::failure("look at", temporary_, errno);
    if (::link(temporary_.c_str(), file_.c_str()) != 0)
        return errno == EEXIST ? is_there(file_) : spool_file::failure("make", file_, errno);
    if (auto synced = spool_file::sync_directory(file_.parent_path()); !synced) {
        (void)spool_file::remove_file(file_);
        return fail(synced.error());
    }
    // A name too many is no failed backup: the next one removes it.
    if (auto removed = spool_file::remove_file(temporary_); !removed)
        log_warning("unfinished_backup_not_removed", {{"error", removed.error().message}});
    BackupResponse response;
    response.file = file_.native();
    response.bytes = status.st_size;
    response.message =
        fmt::format("the database is copied to {} ({} bytes); output of jobs is not in it",
                    file_.native(),
                    status.st_size);
    log_info("backup_made", {{"file", file_.native()}, {"bytes", response.bytes}});
    return response;
}

void Backup::end(Result<BackupResponse> result) {
    if (!result) {
        (void)spool_file::remove_file(temporary_);
        log_warning("backup_failed", {{"file", file_.native()}, {"error", result.error().message}});
    }
    has_ended_ = true;
    *parts_.is_under_way = false;
    reply_(std::move(result));
}

void Service::handle(const BackupRequest& request, const Caller&, Reply<BackupResponse> reply) {
    const ServiceOptions options = parts_->options.get();
    Path backups = options.state_dir.empty() ? Path() : Path(options.state_dir) / "backups";
    auto file = Backup::check(request.file, backups);
    if (!file) return reply(fail(file.error()));
    if (parts_->is_backing_up->exchange(true))
        return reply(fail(ErrorCode::busy,
                          "another backup is under way, and one runs at a time; ask again when it "
                          "has ended"));
    std::make_shared<Backup>(Backup::Parts{parts_->store,
                                           parts_->background,
                                           parts_->is_backing_up,
                                           std::move(backups),
                                           options.instance},
                             std::move(*file),
                             std::move(reply))
        ->begin();
}

}  // namespace scheduler
