#pragma once
/// Image references after the grammar of the distribution project (`reference/regexp.go`):
/// [host[:port]/]path[:tag][@digest]. No I/O.

#include <string>
#include <string_view>

#include "common/result.hpp"

namespace scheduler {

/// The reference as the engine should get it: `alpine` becomes `alpine:latest`, so that a name of
/// hex digits is never taken for the prefix of an image id. A digest or tag stays as it is. Errors:
/// bad_field, in docker's words (`invalid reference format: repository name must be lowercase`).
Result<std::string> parse_image_reference(std::string_view text);

/// The full name that a pull would ask for: `alpine` → `docker.io/library/alpine:latest`.
/// `text` must be a valid reference.
std::string full_image_name(std::string_view text);

}  // namespace scheduler
