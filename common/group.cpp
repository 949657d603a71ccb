#include "common/group.hpp"

#include <fmt/format.h>

#include "common/name.hpp"

namespace scheduler {

Error group_not_found(std::string_view name) {
    return {ErrorCode::not_found,
            fmt::format("there is no group \"{}\" that was set; schedctl group ls lists them",
                        name.substr(0, name_bytes_max))};
}

}  // namespace scheduler
