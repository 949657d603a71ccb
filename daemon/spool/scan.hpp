#pragma once
/// SpoolScan walks through all files of the spool, a few at a time, and says what each is by its
/// name. Between calls it holds an open directory and nothing else. One thread at a time. Files
/// come and go meanwhile: what it says may be over already.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/ids.hpp"
#include "common/result.hpp"

namespace scheduler {

struct SpoolFile {
    enum class Kind {
        output,   ///< the final file
        part,     ///< what is followed while a job runs
        copy,     ///< `.head`, `.whole`, `.joined` or `.tmp`: in the making
        unknown,  ///< its name is none of the spool's
    };
    std::filesystem::path path;
    Kind kind = Kind::unknown;
    JobId job;        ///< not of an unknown one
    int attempt = 1;  ///< not of an unknown one

    static SpoolFile named(std::filesystem::path path);
};

class SpoolScan {
  public:
    explicit SpoolScan(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// The next files, at most `count`; none at the end. Errors: internal, naming the directory
    /// that can't be read.
    Result<std::vector<SpoolFile>> next(std::size_t count);

  private:
    using Iterator = std::filesystem::directory_iterator;

    std::filesystem::path directory_;
    bool is_open_ = false;
    Iterator folders_;
    Iterator files_;
};

}  // namespace scheduler
