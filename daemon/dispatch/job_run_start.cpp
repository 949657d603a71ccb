/// From a claim to the started container: create, commit its id, start; and the repeated start.

#include <algorithm>

#include <fmt/format.h>

#include "common/image_reference.hpp"
#include "daemon/base/failpoint.hpp"
#include "daemon/base/log.hpp"
#include "daemon/dispatch/job_run.hpp"
#include "daemon/dispatch/names.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;

/// Rule 3: so many pings, so far apart, each answered within a step. A hang that none of them meets
/// is shorter than two, so the engine had four for what it was sent before: a second and more.
constexpr int quiet_steps = 6;
constexpr Duration quiet_step_first = 250ms;
/// Of an engine that is slower than that the steps grow: it is waited for longer, not for ever.
constexpr Duration quiet_step_longest = 4s;
constexpr Duration follow_after = 1s;  ///< a job that ends sooner is read once, at its end

bool is_limited(const JobSpec& spec) {
    return spec.memory || spec.cpus || spec.pids_limit.value_or(0) > 0 || !spec.ulimits.empty();
}

/// Of unlimited values engines say different numbers.
bool is_kept(const Ulimit& limit, const std::vector<Ulimit>& kept) {
    auto is_same = [](std::int64_t asked, std::int64_t got) {
        return asked == got || asked == Ulimit::unlimited;
    };
    return std::any_of(kept.begin(), kept.end(), [&](const Ulimit& other) {
        return other.name == limit.name && is_same(limit.soft, other.soft) &&
               is_same(limit.hard, other.hard);
    });
}

/// A limit that was asked for and is not kept, as `memory 64MiB`.
std::optional<std::string> dropped_limit(const JobSpec& spec, const LimitsInForce& kept) {
    if (spec.memory && !kept.memory) return "memory " + spec.memory->to_string();
    if (spec.cpus && !kept.cpus) return "cpus " + spec.cpus->to_string();
    if (spec.pids_limit.value_or(0) > 0 && !kept.pids)
        return fmt::format("pids_limit {}", *spec.pids_limit);
    for (const Ulimit& limit : spec.ulimits)
        if (!is_kept(limit, kept.ulimits)) return "ulimit " + limit.to_string();
    return std::nullopt;
}

}  // namespace

void JobRun::begin() {
    holds_slot_ = true;
    create();
}

void JobRun::create() {
    const std::string& image = job_.spec.image.value_or(job_.name);
    auto reference = parse_image_reference(image);
    if (!reference) {
        std::string error = job_.spec.image
                                ? fmt::format("{}: {}", image, reference.error().message)
                                : fmt::format("no definition is named {}, and it is no image: {}",
                                              job_.name,
                                              reference.error().message);
        return finish_without_container(FinishStatus::failed, std::nullopt, error);
    }
    step_ = Step::creating;
    may_have_container_ = true;
    ContainerRequest request;
    request.name = container_name(job_.id, job_.attempt);
    request.image = *reference;
    request.spec = job_.spec;
    request.labels = job_.spec.labels;
    request.labels[job_label] = job_.id.to_string();
    request.labels[attempt_label] = std::to_string(job_.attempt);
    request.labels[instance_label] = parts_.instance;
    request.log_bytes_max =
        static_cast<std::int64_t>(own_log_limit().value_or(parts_.spool.limit()));
    parts_.engine.create(
        request,
        then<std::string, EngineFailure>([](JobRun& self, EngineResult<std::string> created) {
            failpoint("created");
            if (created)
                self.commit_container(std::move(*created), true);
            else
                self.on_create_failed(created.error());
        }));
}

void JobRun::on_create_failed(const EngineFailure& failure) {
    if (failure.kind == EngineFailure::Kind::no_answer) {
        is_create_unanswered_ = true;
        return unsettled(failure);
    }
    // A repeated create meets its own container; any other refusal is confirmed by a look.
    adopt_by_name(failure);
}

void JobRun::adopt_by_name(const EngineFailure& why) {
    parts_.engine.inspect(
        container_name(job_.id, job_.attempt),
        then<ContainerState, EngineFailure>([why](JobRun& self,
                                                  EngineResult<ContainerState> state) {
            if (!state) {
                if (state.error().kind == EngineFailure::Kind::not_found &&
                    why.kind != EngineFailure::Kind::name_taken) {
                    self.may_have_container_ = false;
                    return self.finish_without_container(
                        FinishStatus::failed, std::nullopt, why.message);
                }
                return self.unsettled(state.error());
            }
            auto label = [&](const char* name) {
                auto found = state->labels.find(name);
                return found == state->labels.end() ? std::string() : found->second;
            };
            if (label(job_label) != self.job_.id.to_string() ||
                label(instance_label) != self.parts_.instance)
                return self.finish_without_container(
                    FinishStatus::failed,
                    std::nullopt,
                    fmt::format(
                        "a container named {} exists that is not this job's; remove or rename it",
                        container_name(self.job_.id, self.job_.attempt)));
            self.commit_container(state->id, state->phase == ContainerState::Phase::created);
        }));
}

/// `is_fresh`: it was not started, since no start is ever sent before its id is committed.
void JobRun::commit_container(std::string container, bool is_fresh) {
    parts_.owner.container_known(container, job_.id);
    if (mutated("starts_before_id_is_stored") && is_fresh) {
        job_.container_id = container;
        parts_.store.set_container(job_.id, job_.attempt, container, [](const Result<bool>&) {});
        return start();
    }
    auto stored = then_on_core<bool>([container, is_fresh](JobRun& self, Result<bool> committed) {
        if (!committed) {
            // Not stored (the disk is full, say): the container stays, never started, until it can
            // be.
            self.release_slot();
            return self.retry_write_later(
                [container, is_fresh](JobRun& run) { run.commit_container(container, is_fresh); });
        }
        failpoint("container_committed");
        self.job_.container_id = container;
        if (!*committed) {
            self.kill_wanted_ = true;
            return self.finish_without_container(
                FinishStatus::killed, std::nullopt, self.stop_words());
        }
        if (!is_fresh) return self.settle();
        if (self.is_stop_wanted()) return self.finish_stopped();
        if (self.holds_slot_)
            return is_limited(self.job_.spec) ? self.inspect_and_start() : self.start();
        self.step_ = Step::waiting_to_repeat;
        self.parts_.owner.take_start_slot(self.shared_from_this());
    });
    parts_.store.set_container(job_.id, job_.attempt, container, std::move(stored));
}

void JobRun::start() {
    step_ = Step::starting;
    start_may_be_sent_ = true;
    parts_.engine.start(*job_.container_id,
                        then<Done, EngineFailure>([](JobRun& self, EngineResult<Done> started) {
                            failpoint("start_answered");
                            self.release_slot();
                            if (started) return self.on_started(self.parts_.clock.now());
                            if (started.error().kind == EngineFailure::Kind::no_answer)
                                return self.unsettled(started.error());
                            self.on_start_refused(started.error());
                        }));
    failpoint("start_sent");
}

/// The status of a refused start says little; the container tells what became of it.
void JobRun::on_start_refused(const EngineFailure& failure) {
    inspect([failure](JobRun& self, ContainerState state) {
        // Podman leaves no trace of the error in the container: the start's answer is the only one.
        if (state.phase == ContainerState::Phase::created && state.error.empty())
            state.error = failure.message;
        self.on_state(state);
    });
}

void JobRun::on_started(TimePoint started_at) {
    seen_running_ = parts_.link.sighting();
    if (!job_.started_at) {
        log_info("job_started", {{"job", job_.id.to_string()}, {"attempt", job_.attempt}});
        job_.started_at = started_at;
    }
    set_deadline();
    parts_.store.set_started(
        job_.id,
        job_.attempt,
        *job_.started_at,
        job_.deadline_at,
        then_on_core<Done>([](JobRun&, Result<Done> stored) {
            if (!stored) log_warning("job_start_not_stored", {{"error", stored.error().message}});
        }));
    watch();
}

void JobRun::watch() {
    step_ = Step::watching;
    failures_ = 0;
    // A short container ends before the answer to its start is here.
    if (end_was_hinted_) return settle();
    ask_for_output_again();
    arm_deadline();
    if (is_stop_wanted()) stop_what_runs(stop_reason());
    parts_.core.post_after(follow_after, [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->follow_output();
    });
}

// ---- a start that may have to be repeated ----

void JobRun::got_start_slot() {
    holds_slot_ = true;
    if (step_ != Step::waiting_to_repeat) return release_slot();
    if (!start_may_be_sent_) return inspect_and_start();
    quiet_step_ = quiet_step_first;
    wait_for_quiet(mutated("repeats_start_at_once") ? 1 : quiet_steps);
}

/// A start that was sent just before a crash or a cut may still be queued in the engine, which runs
/// an exited container again when asked twice. While an engine hangs it executes nothing, and what
/// it was sent before comes after.
void JobRun::wait_for_quiet(int steps) {
    Duration step = mutated("repeats_start_at_once") ? 0s : quiet_step_;
    parts_.core.post_after(step, [weak = weak_from_this(), steps] {
        auto self = weak.lock();
        if (!self || self->step_ != Step::waiting_to_repeat) return;
        self->parts_.engine.ping(
            self->then<Done, EngineFailure>([steps, asked_at = self->parts_.clock.steady()](
                                                JobRun& run, EngineResult<Done> answer) {
                if (!answer) return run.unsettled(answer.error());
                run.quiet_until_ = run.parts_.clock.steady();
                if (run.quiet_until_ - asked_at > run.quiet_step_) return run.wait_for_more_quiet();
                if (steps > 1) return run.wait_for_quiet(steps - 1);
                if (run.start_may_be_sent_ && !run.is_stop_wanted()) return run.ask_for_memory();
                run.inspect_and_start();
            }));
    });
}

/// One that is slow all the time gives its slot to others, and is asked anew after a while.
void JobRun::wait_for_more_quiet() {
    if (quiet_step_ >= quiet_step_longest)
        return unsettled({EngineFailure::Kind::no_answer,
                          "the engine answers too slowly to tell whether it has started it"});
    quiet_step_ *= 2;
    wait_for_quiet(quiet_steps);
}

/// An engine that died while it started the container says that it never did.
void JobRun::ask_for_memory() {
    memory_asked_in_ = parts_.link.contact();
    parts_.engine.remembers_creation(
        *job_.container_id,
        then<Engine::Memory, EngineFailure>([](JobRun& self, EngineResult<Engine::Memory> memory) {
            if (!memory) return self.unsettled(memory.error());
            if (*memory != Engine::Memory::no || mutated("trusts_created"))
                return self.inspect_and_start();
            self.inspect_and_give_up();
        }));
}

/// What was sent to the engine after its restart may have been executed by now.
void JobRun::inspect_and_give_up() {
    release_slot();
    step_ = Step::settling;
    inspect([](JobRun& self, const ContainerState& state) {
        if (state.phase != ContainerState::Phase::created || !state.error.empty())
            return self.on_state(state);
        if (self.was_stopped()) return self.finish_stopped();
        self.finish_without_container(
            FinishStatus::lost,
            std::nullopt,
            "the engine restarted while it started it, so whether it ran can't be known");
    });
}

void JobRun::inspect_and_start() {
    inspect([](JobRun& self, const ContainerState& state) {
        bool is_new = state.phase == ContainerState::Phase::created && state.error.empty();
        if (!is_new) {
            self.release_slot();
            return self.on_state(state);
        }
        if (self.is_stop_wanted()) return self.finish_stopped();
        if (auto dropped = dropped_limit(self.job_.spec, state.limits))
            return self.finish_without_container(
                FinishStatus::failed,
                std::nullopt,
                fmt::format("the engine can't keep the limit {} on this machine, so it was not "
                            "started",
                            *dropped));
        // Another process of the engine may have answered than the one that was asked before.
        bool is_same_engine =
            self.parts_.link.is_up() && self.memory_asked_in_ == self.parts_.link.contact();
        if (self.start_may_be_sent_ && !is_same_engine) {
            self.release_slot();
            return self.settle();
        }
        bool is_prompt = self.parts_.clock.steady() - self.quiet_until_ <= 2 * self.quiet_step_;
        if (self.start_may_be_sent_ && !is_prompt) return self.wait_for_more_quiet();
        self.start();  // nothing is awaited since the inspect
    });
}

}  // namespace scheduler
