#include "daemon/store/sqlite/integrity_walk.hpp"

#include "daemon/base/log.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;

constexpr Duration first_after = 1s;
constexpr Duration again_after = 24h;
constexpr std::int64_t rows_a_piece = 500;
constexpr int rest_factor = 9;
constexpr Duration rest_least = 5ms;

}  // namespace

IntegrityWalk::IntegrityWalk(std::filesystem::path path,
                             Executor& executor,
                             const Clock& clock,
                             std::function<void(const SqliteError&)> on_failure)
    : path_(std::move(path)),
      executor_(executor),
      clock_(clock),
      on_failure_(std::move(on_failure)) {}

void IntegrityWalk::begin() {
    begin_after(first_after);
}

void IntegrityWalk::begin_after(Duration delay) {
    begun_ = clock_.steady() + delay;
    step_after(delay);
}

void IntegrityWalk::step_after(Duration delay) {
    executor_.post_after(delay, [weak = anchor_.weak()] {
        if (auto* self = weak.get()) self->step();
    });
}

void IntegrityWalk::step() {
    const SteadyPoint before = clock_.steady();
    try {
        if (check_next()) return step_after(rest_least + rest_factor * (clock_.steady() - before));
        log_info("database_checked", {{"seconds", (clock_.steady() - begun_) / 1s}});
    } catch (const SqliteError& error) {
        database_.reset();
        if (error.is_fatal()) return on_failure_(error);
        log_warning("database_check_broken_off", {{"error", error.what()}});
    }
    database_.reset();
    begin_after(again_after);
}

bool IntegrityWalk::check_next() {
    if (!database_) {
        database_ = std::make_unique<Database>(path_, Database::Mode::reader);
        tables_ = checked_tables(*database_);
        after_.clear();
    }
    if (tables_.empty()) return false;
    auto last = check_piece(*database_, tables_.back(), after_, rows_a_piece);
    if (!last) tables_.pop_back();
    after_ = last.value_or("");
    return true;
}

}  // namespace scheduler
