#include "cli/output/json.hpp"

#include <fmt/format.h>

#include "common/json.hpp"

namespace scheduler {

std::string json_error(const Error& error) {
    return fmt::format(R"({{"code":{},"message":{},"data":{{"code":"{}"}}}})",
                       facts(error.code).rpc_code,
                       quote_json(error.message),
                       to_string(error.code));
}

std::string json_lines(const std::vector<Job>& jobs) {
    std::string text;
    for (const Job& job : jobs)
        text += encode(job) + '\n';
    return text;
}

}  // namespace scheduler
