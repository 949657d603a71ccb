#include "daemon/dispatch/engine_link.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/base/log.hpp"
#include "daemon/dispatch/names.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;

constexpr Duration retry_first = 500ms;
constexpr Duration retry_longest = 5s;
constexpr Duration clock_tolerance = 1s;  ///< well below the windows around an outage
constexpr const char* engine_id_key = "engine_id";
constexpr const char* engine_address_key = "engine_address";

}  // namespace

Duration EngineLink::wall_shift() const {
    return parts_.clock.now().time_since_epoch() - parts_.clock.steady().time_since_epoch();
}

Sighting EngineLink::sighting() const {
    return {contact_, parts_.clock.now(), wall_shift()};
}

bool EngineLink::is_in_outage_since(const Sighting& seen,
                                    TimePoint at,
                                    Duration before,
                                    Duration after) const {
    auto was_set = [&](Duration shift) {
        return std::chrono::abs(shift - seen.wall_shift) > clock_tolerance;
    };
    // Moments that clocks of different settings say can't be compared.
    if (seen.contact == 0 || was_set(wall_shift())) return true;
    bool is_impossible =
        at < seen.at - clock_tolerance || at > parts_.clock.now() + clock_tolerance;
    if (is_impossible) return true;
    const bool goes_on = !is_up_;  // the last one, which no contact has ended yet
    auto missed =
        static_cast<std::size_t>(std::max(0, contact_ - seen.contact)) + (goes_on ? 1 : 0);
    auto first = outages_.end() - static_cast<std::ptrdiff_t>(std::min(missed, outages_.size()));
    return std::any_of(first, outages_.end(), [&](const Outage& outage) {
        bool has_no_end = goes_on && &outage == &outages_.back();
        if (was_set(outage.broke_shift) || (!has_no_end && was_set(outage.answered_shift)))
            return true;
        return at >= outage.broke_at - before && (has_no_end || at <= outage.answered_at + after);
    });
}

EngineLink::EngineLink(Parts parts, Callbacks callbacks)
    : parts_(std::move(parts)), callbacks_(std::move(callbacks)) {
    outages_.back().broke_at = TimePoint(Duration(0));
}

void EngineLink::start() {
    connect();
}

void EngineLink::stop() {
    stopped_ = true;
    anchor_.let_go();
}

void EngineLink::connect() {
    parts_.engine.connect(
        [weak = anchor_.weak(), attempt = attempt_](EngineResult<EngineIdentity> identity) {
            auto* self = weak.get();
            if (!self || self->attempt_ != attempt) return;
            if (identity)
                self->on_identity(std::move(*identity));
            else
                self->go_down(identity.error().message);
        });
}

void EngineLink::on_identity(EngineIdentity identity) {
    if (std::string reason = refuse(identity); !reason.empty()) return go_down(reason);
    identity_ = std::move(identity);
    open_watch();
}

std::string EngineLink::refuse(const EngineIdentity& identity) {
    auto known = parts_.store.meta(engine_id_key);
    if (!known) return "the store can't be read: " + known.error().message;
    if (*known && **known == identity.id) return "";
    if (*known && !parts_.engine_is_given) {
        auto address = parts_.store.meta(engine_address_key);
        return fmt::format(
            "the engine at {} (id {}) is not the one that the jobs of this state directory ran on "
            "({}, id {}); start that one, or say --engine {} to change over",
            identity.address,
            identity.id,
            address && *address ? **address : "unknown address",
            **known,
            identity.address);
    }
    auto remember = [&](const char* key, const std::string& value) {
        parts_.store.set_meta(key, value, [](Result<Done> result) {
            if (!result) log_error("engine_not_remembered", {{"error", result.error().message}});
        });
    };
    if (*known)
        log_warning("engine_changed",
                    {{"from", **known}, {"to", identity.id}, {"address", identity.address}});
    remember(engine_id_key, identity.id);
    remember(engine_address_key, identity.address);
    return "";
}

void EngineLink::open_watch() {
    Engine::Watch watch;
    watch.on_open = [weak = anchor_.weak(), attempt = attempt_] {
        if (auto* self = weak.get(); self && self->attempt_ == attempt) self->go_up();
    };
    watch.on_end = [weak = anchor_.weak()](const std::string& container) {
        if (auto* self = weak.get()) self->callbacks_.on_end(container);
    };
    watch.on_break = [weak = anchor_.weak(), attempt = attempt_](const EngineFailure& failure) {
        if (auto* self = weak.get(); self && self->attempt_ == attempt)
            self->go_down(failure.message);
    };
    parts_.engine.watch(instance_label, parts_.instance, std::move(watch));
}

void EngineLink::go_up() {
    if (is_up_ || stopped_) return;
    is_up_ = true;
    ++contact_;
    failures_ = 0;
    down_since_.reset();
    Outage& outage = outages_.back();
    outage.reason = std::exchange(last_reason_, {});
    outage.answered_at = parts_.clock.now();
    outage.answered_shift = wall_shift();
    answered();
    log_info("engine_up",
             {{"engine", identity_.name},
              {"address", identity_.address},
              {"api", identity_.api_version}});
    callbacks_.on_up();
}

void EngineLink::go_down(const std::string& reason) {
    if (stopped_) return;
    ++attempt_;
    if (is_up_) {
        outages_.push_back({parts_.clock.now(), {}, wall_shift(), {}, {}});
        if (outages_.size() > outages_max) {
            // One that stands for several: set in one of them is set in all.
            if (outages_[0].broke_shift != outages_[1].broke_shift) outages_[1].broke_shift = {};
            outages_[1].broke_at = std::min(outages_[0].broke_at, outages_[1].broke_at);
            outages_.pop_front();
        }
    }
    if (!down_since_) down_since_ = parts_.clock.now();
    is_up_ = false;
    if (reason != last_reason_) log_warning("engine_down", {{"reason", reason}});
    last_reason_ = reason;
    publish(reason);
    retry_later();
}

void EngineLink::retry_later() {
    Duration delay = std::min(retry_longest, retry_first * (1 << std::min(failures_++, 8)));
    parts_.core.post_after(delay, [weak = anchor_.weak(), attempt = attempt_] {
        auto* self = weak.get();
        if (self && self->attempt_ == attempt) self->connect();
    });
}

void EngineLink::check() {
    if (!is_up_ || is_checking_) return;
    is_checking_ = true;
    parts_.engine.ping([weak = anchor_.weak()](EngineResult<Done> answer) {
        auto* self = weak.get();
        if (!self) return;
        self->is_checking_ = false;
        if (!self->is_up_) return;
        if (answer)
            self->answered();
        else
            self->go_down(answer.error().message);
    });
}

void EngineLink::answered() {
    answered_at_ = parts_.clock.steady();
    publish("");
}

void EngineLink::prove(UniqueFunction<void(bool)> reply) {
    if (!is_up_) return reply(false);
    want_proof_.push_back(std::move(reply));
    if (!is_proving_) prove_now();
}

/// Many ends at once share one proof, but none takes one that began before it.
void EngineLink::prove_now() {
    is_proving_ = true;
    parts_.engine.connect(
        [weak = anchor_.weak(), contact = contact_, asking = std::exchange(want_proof_, {})](
            EngineResult<EngineIdentity> identity) mutable {
            auto* self = weak.get();
            if (!self) return;
            self->is_proving_ = false;
            bool is_same = identity && identity->id == self->identity_.id;
            bool was_in_touch = self->is_up_ && self->contact_ == contact;
            if (was_in_touch && !is_same)
                self->go_down(identity ? "another engine answers" : identity.error().message);
            for (auto& reply : asking)
                reply(was_in_touch && is_same);
            if (!self->want_proof_.empty() && !self->is_proving_) self->prove_now();
        });
}

void EngineLink::publish(const std::string& reason) {
    EngineStatus status;
    status.is_up = is_up_;
    status.reason = reason;
    if (!identity_.id.empty()) status.identity = identity_;
    status.down_since = down_since_;
    status.answered_at = answered_at_;
    published_.set(std::move(status));
}

}  // namespace scheduler
