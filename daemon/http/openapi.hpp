#pragma once
/// The OpenAPI 3.1 document of all routes, made from their table and from the fields of the
/// operations.

#include <string>

namespace scheduler {

std::string openapi_document();

}  // namespace scheduler
