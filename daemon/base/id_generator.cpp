#include "daemon/base/id_generator.hpp"

#include <utility>

namespace scheduler {

IdGenerator::IdGenerator(const Clock& clock, RandomSource random, std::optional<JobId> last)
    : clock_(clock), random_(std::move(random)) {
    if (!last) return;
    const IdBytes& bytes = last->bytes();
    for (std::size_t i = 0; i < 6; ++i)
        unix_ms_ = unix_ms_ << 8U | bytes[i];
    counter_ = static_cast<std::uint16_t>((bytes[6] & 0x0fU) << 8U | bytes[7]);
}

JobId IdGenerator::next() {
    std::int64_t since_epoch = clock_.now().time_since_epoch().count();
    std::uint64_t now = since_epoch > 0 ? static_cast<std::uint64_t>(since_epoch) : 0;
    if (now > unix_ms_) {
        unix_ms_ = now;
        counter_ = 0;
    } else if (counter_ < counter_max) {
        ++counter_;
    } else {
        ++unix_ms_;  // a millisecond is full: borrow the next one
        counter_ = 0;
    }
    return JobId(make_uuid_v7(unix_ms_, counter_, random_()));
}

}  // namespace scheduler
