#include "daemon/spool/scan.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "daemon/spool/file.hpp"

namespace scheduler {
namespace {

constexpr std::size_t id_digits = 32;

SpoolFile::Kind kind_of(std::string_view suffix) {
    if (suffix.empty()) return SpoolFile::Kind::output;
    if (suffix == ".part") return SpoolFile::Kind::part;
    constexpr std::array<std::string_view, 7> copies = {
        ".whole", ".head", ".joined", ".tmp", ".part.tmp", ".whole.tmp", ".joined.tmp"};
    bool is_copy = std::find(copies.begin(), copies.end(), suffix) != copies.end();
    return is_copy ? SpoolFile::Kind::copy : SpoolFile::Kind::unknown;
}

bool is_missing(const std::error_code& error) {
    return error == std::errc::no_such_file_or_directory;
}

}  // namespace

/// `<32 hex digits>.<attempt>[.part|.head|.whole|.joined|.tmp]`
SpoolFile SpoolFile::named(std::filesystem::path path) {
    SpoolFile file;
    file.path = std::move(path);
    const std::string name = file.path.filename().native();
    auto id = JobId::parse(std::string_view(name).substr(0, id_digits));
    if (!id || name.size() < id_digits + 2 || name[id_digits] != '.') return file;
    const char* begin = name.data() + id_digits + 1;
    const char* end = name.data() + name.size();
    auto [rest, error] = std::from_chars(begin, end, file.attempt);
    if (error != std::errc() || file.attempt < 1) return file;
    file.job = *id;
    file.kind = kind_of(std::string_view(rest, static_cast<std::size_t>(end - rest)));
    return file;
}

Result<std::vector<SpoolFile>> SpoolScan::next(std::size_t count) {
    std::vector<SpoolFile> found;
    std::error_code error;
    auto failed = [&](const std::filesystem::path& path) {
        return spool_file::failure("read", path, error.value());
    };
    if (!std::exchange(is_open_, true)) {
        folders_ = Iterator(directory_, error);
        if (error && !is_missing(error)) return failed(directory_);
    }
    while (found.size() < count) {
        if (files_ != Iterator()) {
            found.push_back(SpoolFile::named(files_->path()));
            files_.increment(error);
            if (error) return failed(found.back().path.parent_path());
        } else if (folders_ != Iterator()) {
            const std::filesystem::path folder = folders_->path();
            bool is_folder = folders_->is_directory(error);
            if (!is_folder) found.push_back(SpoolFile::named(folder));
            if (is_folder) files_ = Iterator(folder, error);
            if (is_folder && error && !is_missing(error)) return failed(folder);
            folders_.increment(error);
            if (error) return failed(directory_);
        } else {
            break;
        }
    }
    return found;
}

}  // namespace scheduler
