#include "daemon/base/random.hpp"

#include <cerrno>
#include <system_error>

#include <sys/random.h>

namespace scheduler {

RandomSource system_random() {
    return [] {
        std::uint64_t bits = 0;
        // Up to 256 bytes come whole; only the wait for the first entropy after boot can be
        // interrupted.
        while (::getrandom(&bits, sizeof bits, 0) != static_cast<ssize_t>(sizeof bits))
            if (errno != EINTR)
                throw std::system_error(errno, std::generic_category(), "getrandom");
        return bits;
    };
}

}  // namespace scheduler
