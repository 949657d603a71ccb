#include "common/capabilities.hpp"

#include <algorithm>
#include <string>

namespace scheduler {

bool is_capability(std::string_view name) {
    std::string upper(name);
    for (char& c : upper)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    std::string_view word = upper;
    if (word == all_capabilities) return true;
    constexpr std::string_view prefix = "CAP_";
    if (word.starts_with(prefix)) word.remove_prefix(prefix.size());
    return std::find(capabilities.begin(), capabilities.end(), word) != capabilities.end();
}

}  // namespace scheduler
