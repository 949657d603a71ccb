#pragma once
#include <cstdint>
#include <string>

#include "common/fields.hpp"

namespace scheduler {

struct BackupResponse {
    std::string message;
    std::string file;
    std::int64_t bytes = 0;
    static void fields(auto& self, auto& visit) {
        visit("message", self.message, "one sentence for a person");
        visit("file", self.file, "the copy");
        visit("bytes", self.bytes, "its size");
    }
};

/// Copies the database into a new file while jobs go on. The copy holds all that was committed
/// before this answers. Errors: bad_field (the path; a file that is there already), busy (another
/// backup is under way), disk_full, internal.
struct BackupRequest {
    using Response = BackupResponse;
    static constexpr std::string_view method = "backup";
    static constexpr bool takes_long = true;
    static constexpr std::size_t path_bytes_max = 4000;

    std::string file;
    static void fields(auto& self, auto& visit) {
        visit("file", self.file, "where the copy goes: an absolute path that does not exist");
    }
};

}  // namespace scheduler
