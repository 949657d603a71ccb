#pragma once
/// ListPlace: where a page of a list ended. As text it is what `next` says and `after` takes: the
/// last job's id, a section, and keys. It is independent of the job itself, so a job that moves on
/// between two pages does not take the place with it. An id alone is the place where that job
/// stands now.

#include <optional>
#include <string>

#include "common/ids.hpp"

namespace scheduler {

/// Opaque to everyone but the store.
struct ListPosition {
    int section = 0;  ///< 0 running, 1 scheduled, 2 history
    std::int64_t key = 0;
    std::int64_t number = 0;
};

struct ListPlace {
    JobId job;
    std::optional<ListPosition> position;

    /// Errors: bad_field.
    static Result<ListPlace> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
};

}  // namespace scheduler
