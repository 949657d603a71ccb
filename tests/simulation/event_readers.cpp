/// Following the events: each is the next transition that the model knows, and a hole is told.

#include <fmt/format.h>

#include "tests/simulation/world.hpp"

namespace scheduler::sim {
namespace {

constexpr std::size_t readers_max = 3;
/// From a job's end to that of its output, for who follows it.
constexpr Duration told_within = 2s;

}  // namespace

void World::follow_events() {
    if (!process_ || event_readers_.size() >= readers_max) return;
    auto reader = std::make_shared<EventReader>();
    reader->last = model_.newest_event();
    if (JobId id = job_to_read(JobStatus::running); reads_.chance(30) && id != JobId())
        reader->job = id;
    event_readers_.push_back(reader);
    open_events(reader, reads_.chance(50));
}

/// `from_now`: without a place.
void World::open_events(const std::shared_ptr<EventReader>& reader, bool from_now) {
    SubscribeRequest request;
    if (!from_now) request.after_seq = reader->last;
    if (reader->job) request.job_id = JobRef{reader->job->to_string()};
    auto stream = process_->service->handle(request, caller);
    if (!stream) {
        std::erase(event_readers_, reader);
        learn_of_purges();
        if (!reader->job || model_.find(*reader->job) != nullptr)
            violate("events can't be followed: " + stream.error().message);
        return;
    }
    reader->stream = std::move(*stream);
    pull_events(reader);
}

void World::pull_events(const std::shared_ptr<EventReader>& reader) {
    reader->stream->next(
        [this, weak = std::weak_ptr(reader)](Result<std::optional<JobEvent>> event) {
            auto alive = weak.lock();
            if (disk_.has_crashed || !alive || !alive->stream) return;
            if (!event) violate("events break off: " + event.error().message);
            if (!*event) violate("events end");
            event_came(*alive, **event);
            pull_events(alive);
        });
}

void World::event_came(EventReader& reader, const JobEvent& event) {
    if (event.reset) {
        learn_of_purges();
        bool is_told_why = model_.purged_event() > reader.last;
        if (!is_told_why || event.seq < model_.purged_event())
            violate(fmt::format(
                "events begin anew at {}, and those after {} are kept", event.seq, reader.last));
        say(fmt::format("events begin anew behind {}", event.seq));
        reader.last = event.seq;
        return;
    }
    const Move* next = model_.event_after(reader.last, reader.job);
    if (next == nullptr || next->seq != event.seq) {
        learn_of_purges();
        next = model_.event_after(reader.last, reader.job);
    }
    if (next == nullptr) violate(fmt::format("event {} is read, and there is none", event.seq));
    if (!reader.job && model_.purged_event() > reader.last)
        violate(fmt::format("events before {} are no longer kept, and nobody says so", event.seq));
    model_.check_event(*next, event);
    reader.last = event.seq;
}

/// Whoever followed was told of everything.
void World::check_readers() {
    for (const auto& reader : log_readers_)
        if (const ModelJob* job = model_.find(reader->job);
            job != nullptr && job->ended && time_.clock.steady() - job->moved_at > told_within)
            violate(fmt::format("job {} has ended, and its logs do not", job->number));
    for (const auto& reader : event_readers_)
        if (const Move* next = model_.event_after(reader->last, reader->job))
            violate(fmt::format("event {} was not told to who follows", next->seq));
}

/// Commits that nobody heard of before a crash: their events follow those that are known.
void World::hear_missed_events() {
    constexpr std::int64_t more_than_any = 100'000;
    auto events = process_->store->events_after(model_.newest_event(), std::nullopt, more_than_any);
    if (!events) violate("events can't be read: " + events.error().message);
    for (const JobEvent& event : *events)
        model_.hear({event.seq, event.job_id, event.from, event.to.value_or(JobStatus::scheduled)});
    model_.check_heard();
}

/// The daemon is back: what broke off is read on from its place.
void World::resume_readers() {
    time_.front.post([this] {
        for (const auto& reader : std::vector(event_readers_))
            open_events(reader, false);
        for (const auto& reader : std::vector(log_readers_)) {
            reader->has_resumed = true;
            open_logs(reader);
        }
    });
}

void World::drop_readers() {
    for (const auto& reader : event_readers_)
        reader->stream.reset();
    for (const auto& reader : log_readers_)
        reader->stream.reset();
    // A list that is read in one answer breaks off with it; one that is read by pages does not.
    std::erase_if(walks_, [](const auto& walk) { return walk->stream != nullptr; });
}

}  // namespace scheduler::sim
