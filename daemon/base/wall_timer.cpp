#include "daemon/base/wall_timer.hpp"

#include <cerrno>
#include <cstdint>
#include <system_error>

#include <sys/timerfd.h>
#include <unistd.h>

namespace scheduler {
namespace {

[[noreturn]] void throw_errno(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

/// An absolute setting. All zeros would switch the timer off and negative times are refused, so
/// what lies before 1970 becomes its first nanosecond: in the past as well.
itimerspec setting_at(TimePoint when) {
    itimerspec setting{};
    auto since_epoch = when.time_since_epoch();
    if (since_epoch <= Duration::zero()) {
        setting.it_value.tv_nsec = 1;
        return setting;
    }
    auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
    setting.it_value.tv_sec = seconds.count();
    setting.it_value.tv_nsec = std::chrono::nanoseconds(since_epoch - seconds).count();
    return setting;
}

int open_timer() {
    int fd = ::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0) throw_errno("timerfd_create");
    return fd;
}

}  // namespace

struct TimerFdWallTimer::Alarm : std::enable_shared_from_this<Alarm> {
    Alarm(asio::io_context& core, UniqueFunction<void()> ring)
        : on_ring(std::move(ring)), descriptor(core, open_timer()) {}

    /// Gives the setting to the kernel. ECANCELED: the clock was set since the last read; the timer
    /// is armed all the same, but that change is thereby consumed, so it must be rung for by us.
    void arm() {
        itimerspec setting = when ? setting_at(*when) : itimerspec{};
        int flags = when ? TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET : 0;
        if (::timerfd_settime(descriptor.native_handle(), flags, &setting, nullptr) == 0) return;
        if (errno != ECANCELED) throw_errno("timerfd_settime");
        asio::post(descriptor.get_executor(), [weak = weak_from_this()] {
            if (auto self = weak.lock()) self->ring();
        });
    }

    void wait() {
        descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                              [weak = weak_from_this()](const boost::system::error_code& error) {
                                  if (auto self = weak.lock(); self && !error) self->on_readable();
                              });
    }

    void on_readable() {
        std::uint64_t rings = 0;
        ssize_t got = ::read(descriptor.native_handle(), &rings, sizeof rings);
        int error = got < 0 ? errno : 0;
        wait();
        if (got > 0) return ring();
        if (error == ECANCELED) {
            arm();  // a set clock ends the setting; it still counts
            return ring();
        }
        // Set anew between the wake-up and the read, or interrupted: the next wait comes back by
        // itself.
        if (error != EAGAIN && error != EINTR)
            throw std::system_error(error, std::generic_category(), "timerfd read");
    }

    void ring() {
        if (when) on_ring();
    }

    std::optional<TimePoint> when;
    UniqueFunction<void()> on_ring;
    asio::posix::stream_descriptor descriptor;
};

TimerFdWallTimer::TimerFdWallTimer(asio::io_context& core, UniqueFunction<void()> on_ring)
    : alarm_(std::make_shared<Alarm>(core, std::move(on_ring))) {
    alarm_->wait();
}

TimerFdWallTimer::~TimerFdWallTimer() = default;

void TimerFdWallTimer::set(std::optional<TimePoint> when) {
    alarm_->when = when;
    alarm_->arm();
}

}  // namespace scheduler
