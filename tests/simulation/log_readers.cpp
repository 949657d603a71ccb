/// Reading output: what a container wrote is what `logs` gives, however it is asked for, and
/// whatever breaks off meanwhile.

#include <algorithm>

#include <fmt/format.h>

#include "daemon/dispatch/names.hpp"
#include "tests/simulation/world.hpp"

namespace scheduler::sim {
namespace {

constexpr std::size_t readers_max = 6;
/// A daemon that is up and in no trouble for this long knows all that runs.
constexpr Duration knows_all_after = 2s;

std::string stamp(TimePoint at) {
    std::string text = to_rfc3339(at);
    text.pop_back();
    return text + "000000Z ";
}

bool is_ascending(const std::vector<Printed>& printed) {
    return std::is_sorted(printed.begin(), printed.end(), [](const Printed& a, const Printed& b) {
        return a.at < b.at;
    });
}

}  // namespace

void append(Pieces& pieces, LogStream stream, const std::string& bytes) {
    if (bytes.empty()) return;
    if (pieces.empty() || pieces.back().first != stream) pieces.emplace_back(stream, "");
    pieces.back().second += bytes;
}

Pieces select_output(const std::vector<Printed>& printed,
                     const LogsRequest& request,
                     std::size_t known) {
    std::vector<const Printed*> lines;
    for (const Printed& line : printed) {
        bool is_known = known > 0;
        known -= std::min(known, line.bytes.size());
        if (is_known || (request.stream && line.stream != *request.stream)) continue;
        if (request.since && line.at < *parse_rfc3339(*request.since)) continue;
        lines.push_back(&line);
    }
    std::size_t most =
        static_cast<std::size_t>(request.tail.value_or(static_cast<std::int64_t>(lines.size())));
    if (lines.size() > most)
        lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most));
    Pieces pieces;
    for (const Printed* line : lines)
        append(pieces, line->stream, (request.timestamps ? stamp(line->at) : "") + line->bytes);
    return pieces;
}

/// The one that ran; nothing when none did.
std::shared_ptr<const Container> World::ran(const ModelJob& job) const {
    for (const auto& container : engine_.ever(container_name(job.id, job.attempt())))
        if (container->starts > 0) return container;
    return nullptr;
}

/// All of it must be there: it ended by itself, and its end was seen.
bool World::is_output_whole(const ModelJob& job) const {
    auto container = ran(job);
    return container && job.ended && job.ended->exit_code && !container->was_ended_by_engine &&
           container->phase == ContainerState::Phase::ended &&
           !container->was_touched_by_stranger &&
           (*job.ended->finish_status == FinishStatus::success ||
            *job.ended->finish_status == FinishStatus::failed);
}

/// Of a job that ended: first all, then as people ask for parts.
void World::read_output(const ModelJob& job) {
    LogsRequest request;
    request.job_id = JobRef{job.id.to_string()};
    auto items = output_items(job, request);
    if (!items) return;
    Pieces told;
    std::vector<std::size_t> ends;  // of each item
    std::size_t bytes = 0;
    for (const LogChunk& item : *items) {
        append(told, item.stream, item.data.bytes);
        ends.push_back(bytes += item.data.bytes.size());
    }
    auto container = ran(job);
    std::vector<Printed> printed = container ? container->printed : std::vector<Printed>();
    std::string all;
    for (const auto& [stream, text] : told)
        all += text;
    if (!is_output_whole(job)) {
        if (container ? !container->output().starts_with(all) : !all.empty())
            violate(
                fmt::format("logs of job {} say \"{}\", which it did not print", job.number, all));
        return;
    }
    check_pieces(job, told, select_output(printed, request, 0));
    std::size_t known = 0;
    if (reads_.chance(40)) request.stream = reads_.chance(50) ? LogStream::out : LogStream::err;
    if (reads_.chance(30) && !printed.empty())
        request.since = to_rfc3339(printed[reads_.below(printed.size())].at);
    request.timestamps = reads_.chance(30);
    if (reads_.chance(40)) {
        request.tail = static_cast<std::int64_t>(reads_.below(printed.size() + 2));
    } else if (!items->empty() && is_ascending(printed)) {
        std::size_t place = reads_.below(items->size());
        request.after = (*items)[place].place;
        known = ends[place];
    }
    items = output_items(job, request);
    if (!items) violate(fmt::format("the output of job {} is gone", job.number));
    told.clear();
    for (const LogChunk& item : *items)
        append(told, item.stream, item.data.bytes);
    check_pieces(job, told, select_output(printed, request, known));
}

/// Nothing where it was removed to keep all output within a limit.
std::optional<std::vector<LogChunk>> World::output_items(const ModelJob& job,
                                                         const LogsRequest& request) {
    auto stream = process_->service->handle(request, caller);
    if (!stream) {
        bool is_removed = stream.error().code == ErrorCode::gone && may_lose_history_ &&
                          row_of(job.id).output_removed_at;
        if (!is_removed)
            violate(fmt::format("logs of job {} fail: {}", job.number, stream.error().message));
        return std::nullopt;
    }
    auto read = drain(**stream);
    if (read.error)
        violate(fmt::format("logs of job {} break off: {}", job.number, read.error->message));
    if (!read.is_end) violate(fmt::format("logs of job {} do not end", job.number));
    return std::move(read.items);
}

void World::check_pieces(const ModelJob& job, const Pieces& told, const Pieces& expected) const {
    if (told == expected) return;
    auto words = [](const Pieces& pieces) {
        std::string text;
        for (const auto& [stream, bytes] : pieces)
            text += fmt::format("{}: {}", to_string(stream), bytes);
        return text;
    };
    violate(fmt::format("logs of job {} say \"{}\", and it printed \"{}\"",
                        job.number,
                        words(told),
                        words(expected)));
}

/// Begins to read a job's output while it grows: to what there is now, or to the end.
void World::follow_output() {
    JobId id = job_to_read(JobStatus::running);
    if (!process_ || id == JobId() || log_readers_.size() >= readers_max) return;
    // What a follower of several attempts hears is not known here.
    if (const auto& retries = model_.find(id)->request.spec.retries; retries && retries->max > 0)
        return;
    auto reader = std::make_shared<LogReader>();
    reader->job = id;
    reader->follow = reads_.chance(60);
    log_readers_.push_back(reader);
    open_logs(reader);
}

void World::open_logs(const std::shared_ptr<LogReader>& reader) {
    LogsRequest request;
    request.job_id = JobRef{reader->job.to_string()};
    request.follow = reader->follow;
    request.after = reader->place;
    auto stream = process_->service->handle(request, caller);
    if (!stream) learn_of_purges();
    const ModelJob* job = model_.find(reader->job);
    if (!stream) {
        std::erase(log_readers_, reader);
        bool is_removed = job == nullptr
                              ? stream.error().code == ErrorCode::job_not_found
                              : stream.error().code == ErrorCode::gone && may_lose_history_ &&
                                    row_of(job->id).output_removed_at;
        if (!is_removed) violate("logs can't be followed: " + stream.error().message);
        return;
    }
    if (job == nullptr) violate("logs of a job are given that was purged");
    auto container = ran(*job);
    reader->printed_by_then = container ? container->output().size() : 0;
    // Of a job that began in a quiet time: where there was trouble since, it may be found out
    // first what became of it.
    reader->is_owed = job->status == JobStatus::running && row_of(job->id).started_at &&
                      engine_.is_well() && std::max(troubled_at_, booted_at_) < job->moved_at &&
                      time_.clock.steady() - std::max(troubled_at_, booted_at_) > knows_all_after;
    reader->breaks = engine_.breaks();
    reader->stream = std::move(*stream);
    pull_logs(reader);
}

void World::pull_logs(const std::shared_ptr<LogReader>& reader) {
    reader->stream->next(
        [this, weak = std::weak_ptr(reader)](Result<std::optional<LogChunk>> item) {
            auto alive = weak.lock();
            if (disk_.has_crashed || !alive || !alive->stream) return;
            if (!item) violate("logs break off: " + item.error().message);
            if (!*item) return logs_ended(alive);
            logs_came(*alive, **item);
            pull_logs(alive);
        });
}

void World::logs_came(LogReader& reader, const LogChunk& item) {
    const ModelJob* job = known_of(reader.job);
    auto container = ran(*job);
    std::string printed = container ? container->output() : "";
    if (reader.has_resumed)
        say(fmt::format("logs of job {} go on behind {} bytes", job->number, reader.told.size()));
    bool is_again =
        std::exchange(reader.has_resumed, false) && container && !is_ascending(container->printed);
    // Where the clock was set back, a place may be not found, and what lies before it is told
    // again.
    if (is_again)
        if (auto place = printed.find(item.data.bytes); place < reader.told.size())
            reader.told.resize(place);
    reader.told += item.data.bytes;
    reader.place = item.place;
    if (!printed.starts_with(reader.told))
        violate(fmt::format("logs of job {} said \"{}\", and it printed \"{}\"",
                            job->number,
                            reader.told,
                            printed));
}

void World::logs_ended(const std::shared_ptr<LogReader>& reader) {
    std::erase(log_readers_, reader);
    const ModelJob* job = model_.find(reader->job);
    if (job == nullptr) return;  // it may have gone meanwhile
    auto row = process_->service->handle(ShowRequest{JobRef{reader->job.to_string()}}, caller);
    if (!row) return learn_of_purges();
    say(fmt::format("logs of job {} end after {} bytes, {}{}",
                    job->number,
                    reader->told.size(),
                    to_string(job->status),
                    reader->is_owed ? ", owed" : ""));
    if (reader->follow && !job->ended)
        violate(fmt::format("logs of job {} ended before it did", job->number));
    if (may_lose_history_ && row->output_removed_at) return;
    auto container = ran(*job);
    if (is_output_whole(*job) && (reader->follow ? reader->told != container->output()
                                                 : reader->told.size() < reader->printed_by_then))
        violate(fmt::format("logs of job {} said {} bytes of {}",
                            job->number,
                            reader->told.size(),
                            container->output().size()));
    if (!reader->is_owed || !engine_.is_well() || engine_.breaks() != reader->breaks) return;
    if (reader->told.size() < reader->printed_by_then && !job->ended)
        violate(fmt::format("job {} had printed {} bytes, and logs said {}",
                            job->number,
                            reader->printed_by_then,
                            reader->told.size()));
}

/// Of a job that may be purged already.
const ModelJob* World::known_of(JobId id) const {
    auto purged = model_.purged().find(id);
    return purged != model_.purged().end() ? &purged->second : &model_.jobs().at(id);
}

}  // namespace scheduler::sim
