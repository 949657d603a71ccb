#include "daemon/engine/docker/docker_engine.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>

#include "daemon/base/log.hpp"
#include "daemon/engine/docker/container_spec.hpp"
#include "daemon/engine/docker/engine_answers.hpp"
#include "daemon/engine/docker/event_stream.hpp"
#include "daemon/engine/docker/line_mender.hpp"
#include "daemon/engine/docker/log_frames.hpp"
#include "daemon/engine/docker/url.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;
using Kind = EngineFailure::Kind;

/// A Docker Engine that starts stops what outlived it (SIGTERM, 10 s, SIGKILL), all at once;
/// measured: 11 s after its start.
constexpr Duration restart_longest = 60s;

bool holds(std::string_view text, std::string_view words) {
    auto equal = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) ==
               std::tolower(static_cast<unsigned char>(b));
    };
    return std::search(text.begin(), text.end(), words.begin(), words.end(), equal) != text.end();
}

/// As many as Docker keeps for those who ask for past ones: moby, daemon/events, eventsLimit.
constexpr std::size_t events_remembered = 256;
constexpr Duration memory_ahead = 2s;

bool is_podman(const EngineIdentity& engine) {
    return engine.name.rfind("Podman", 0) == 0;
}

bool is_success(const EngineAnswer& answer) {
    return answer.status >= 200 && answer.status < 300;
}

/// A 404 is decided by its text: a network or a path of the API can be unknown as well, and to take
/// that for a container that is gone would lose a job. Both say "no such container", in either
/// case.
EngineFailure refusal(const EngineAnswer& answer) {
    std::string message = error_message(answer.status, answer.body);
    bool is_gone = answer.status == 404 && holds(message, "no such container");
    return {is_gone ? Kind::not_found : Kind::refused, std::move(message)};
}

/// Podman says 500 where Docker says 409.
EngineFailure create_refusal(const EngineAnswer& answer) {
    std::string message = error_message(answer.status, answer.body);
    bool is_taken =
        answer.status == 409 || (answer.status == 500 && holds(message, "already in use"));
    return {is_taken ? Kind::name_taken : Kind::refused, std::move(message)};
}

/// Completes `reply` with Done for an answer that `is_fine`, else with the refusal.
template <class IsFine>
EngineReply<EngineAnswer> done_if(IsFine is_fine, EngineReply<Done> reply) {
    return [is_fine, reply = std::move(reply)](EngineResult<EngineAnswer> answer) mutable {
        if (!answer)
            reply(fail(std::move(answer).error()));
        else if (is_fine(*answer))
            reply(Done{});
        else
            reply(fail(refusal(*answer)));
    };
}

/// Completes `reply` with what `parse` makes of the body of a success.
template <class T>
EngineReply<EngineAnswer> parsed(EngineResult<T> (*parse)(std::string_view), EngineReply<T> reply) {
    return [parse, reply = std::move(reply)](EngineResult<EngineAnswer> answer) mutable {
        if (!answer)
            reply(fail(std::move(answer).error()));
        else if (is_success(*answer))
            reply(parse(answer->body));
        else
            reply(fail(refusal(*answer)));
    };
}

std::string container_path(const std::string& container, std::string_view verb) {
    return fmt::format("/containers/{}{}", percent_encode(container), verb);
}

EngineRequest query(std::string target, Duration timeout) {
    EngineRequest request;
    request.method = "GET";
    request.target = std::move(target);
    request.is_repeatable = true;
    request.timeout = timeout;
    return request;
}

/// A request with an effect: never sent twice.
EngineRequest command(std::string method, std::string target, Duration timeout) {
    EngineRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.timeout = timeout;
    return request;
}

}  // namespace

struct DockerEngine::State {
    std::shared_ptr<HttpClient> client;
    std::vector<EngineAddress> candidates;
    EngineTimeouts timeouts;
    std::optional<ConnectedEngine> engine;  ///< the one in use
    std::weak_ptr<HttpExchange> watch;
};

DockerEngine::DockerEngine(asio::io_context& core,
                           std::vector<EngineAddress> candidates,
                           EngineTimeouts timeouts)
    : state_(std::make_shared<State>()), bind_sources_(core) {
    state_->client = std::make_shared<HttpClient>(core);
    state_->candidates = std::move(candidates);
    state_->timeouts = timeouts;
}

DockerEngine::~DockerEngine() {
    state_->client->close();
}

void DockerEngine::connect(EngineReply<EngineIdentity> reply) {
    state_->client->spawn(run_connect(state_, std::move(reply)));
}

asio::awaitable<void> DockerEngine::run_connect(std::shared_ptr<State> state,
                                                EngineReply<EngineIdentity> reply) {
    auto engine = co_await connect_engine(state->client, state->candidates, state->timeouts);
    if (state->client->is_closed()) co_return;
    if (!engine) {
        reply(fail(std::move(engine).error()));
        co_return;
    }
    state->client->keep_only(engine->peer);
    state->engine = *engine;
    reply(engine->identity);
}

template <class T>
void DockerEngine::fail_later(EngineFailure failure, EngineReply<T> reply) {
    asio::post(state_->client->io(),
               [client = state_->client,
                failure = std::move(failure),
                reply = std::move(reply)]() mutable {
                   if (!client->is_closed()) reply(fail(std::move(failure)));
               });
}

std::shared_ptr<HttpExchange> DockerEngine::call(EngineRequest request,
                                                 EngineReply<EngineAnswer> reply) {
    if (!state_->engine) {
        fail_later({Kind::no_answer, "no engine has answered so far"}, std::move(reply));
        return nullptr;
    }
    request.target = "/v" + state_->engine->identity.api_version + request.target;
    return state_->client->call(state_->engine->peer, std::move(request), std::move(reply));
}

void DockerEngine::ping(EngineReply<Done> reply) {
    call(query("/_ping", state_->timeouts.query), done_if(is_success, std::move(reply)));
}

void DockerEngine::create(const ContainerRequest& request, EngineReply<std::string> reply) {
    if (!state_->engine || !is_podman(state_->engine->identity))
        return send_create(request, std::move(reply));
    if (auto refusal = podman_refusal(request.spec, state_->engine->identity))
        return fail_later({Kind::refused, std::move(*refusal)}, std::move(reply));
    if (request.spec.mounts.empty()) return send_create(request, std::move(reply));
    bind_sources_.look(request.spec.mounts,
                       state_->timeouts.query,
                       [weak = anchor_.weak(), request, reply = std::move(reply)](
                           std::optional<std::string> trouble) mutable {
                           auto* self = weak.get();
                           if (!self) return;
                           if (!trouble) return self->send_create(request, std::move(reply));
                           reply(fail(EngineFailure{Kind::refused, std::move(*trouble)}));
                       });
}

void DockerEngine::send_create(const ContainerRequest& request, EngineReply<std::string> reply) {
    EngineRequest post = command("POST",
                                 "/containers/create" + url_query({{"name", request.name}}),
                                 state_->timeouts.create);
    post.body = create_body(request, state_->engine && is_podman(state_->engine->identity));
    call(
        std::move(post),
        [name = request.name, reply = std::move(reply)](EngineResult<EngineAnswer> answer) mutable {
            if (!answer) return reply(fail(std::move(answer).error()));
            if (!is_success(*answer)) return reply(fail(create_refusal(*answer)));
            std::vector<std::string> warnings;
            auto id = parse_created(answer->body, warnings);
            for (const std::string& warning : warnings)
                log_warning("engine_warned", {{"container", name}, {"warning", warning}});
            reply(std::move(id));
        });
}

void DockerEngine::start(const std::string& container, EngineReply<Done> reply) {
    auto is_started = [](const EngineAnswer& answer) {
        return is_success(answer) || answer.status == 304;
    };
    call(command("POST", container_path(container, "/start"), state_->timeouts.start),
         done_if(is_started, std::move(reply)));
}

void DockerEngine::stop(const std::string& container, Duration grace, EngineReply<Done> reply) {
    auto seconds = std::chrono::ceil<std::chrono::seconds>(grace);
    // t=0 would still send the stop signal first.
    if (seconds.count() <= 0) return kill(container, std::move(reply));
    std::string target =
        container_path(container, "/stop") + url_query({{"t", std::to_string(seconds.count())}});
    auto is_stopped = [](const EngineAnswer& answer) {
        return is_success(answer) || answer.status == 304;
    };
    call(command("POST", std::move(target), seconds + state_->timeouts.stop_reserve),
         done_if(is_stopped, std::move(reply)));
}

void DockerEngine::kill(const std::string& container, EngineReply<Done> reply) {
    std::string target = container_path(container, "/kill") + url_query({{"signal", "KILL"}});
    auto is_killed = [](const EngineAnswer& answer) {
        if (is_success(answer)) return true;
        // It was not running: Docker says 409, Podman 500.
        return (answer.status == 409 && holds(answer.body, "is not running")) ||
               (answer.status == 500 && holds(answer.body, "container state improper"));
    };
    call(command("POST", std::move(target), state_->timeouts.stop_reserve),
         done_if(is_killed, std::move(reply)));
}

void DockerEngine::inspect(const std::string& container, EngineReply<ContainerState> reply) {
    call(query(container_path(container, "/json"), state_->timeouts.query),
         parsed(parse_inspect, std::move(reply)));
}

void DockerEngine::remove(const std::string& container, EngineReply<Done> reply) {
    std::string target = container_path(container, "") + url_query({{"v", "1"}, {"force", "0"}});
    auto is_removed = [](const EngineAnswer& answer) {
        return is_success(answer) || refusal(answer).kind == Kind::not_found ||
               (answer.status == 409 && holds(answer.body, "already in progress"));
    };
    EngineRequest request = command("DELETE", std::move(target), state_->timeouts.remove);
    request.is_repeatable = true;  // the second finds it gone
    call(std::move(request), done_if(is_removed, std::move(reply)));
}

void DockerEngine::list(const std::string& label,
                        const std::string& value,
                        EngineReply<std::vector<ContainerSummary>> reply) {
    std::string filters = filters_json({{"label", {label + '=' + value}}});
    call(query("/containers/json" + url_query({{"all", "1"}, {"filters", filters}}),
               state_->timeouts.query),
         parsed(parse_list, std::move(reply)));
}

void DockerEngine::has_image(const std::string& image, EngineReply<bool> reply) {
    call(query("/images/" + percent_encode(image, "/:@") + "/json", state_->timeouts.query),
         [reply = std::move(reply)](EngineResult<EngineAnswer> answer) mutable {
             if (!answer) return reply(fail(std::move(answer).error()));
             if (!is_success(*answer) && answer->status != 404)
                 return reply(fail(refusal(*answer)));
             reply(is_success(*answer));
         });
}

/// Docker keeps its last 256 events in memory and replays them on request, so a start event is
/// there only if the same dockerd runs. Podman keeps them on disk, where they outlive a reboot.
/// Whether any event of a container that passes the filters is still in the engine's memory.
void DockerEngine::has_event(std::string filters,
                             TimePoint since,
                             TimePoint until,
                             EngineReply<bool> reply) {
    auto was_seen = std::make_shared<bool>(false);
    auto lines =
        std::make_shared<EventLines>([was_seen](const ContainerEvent&) { *was_seen = true; });
    auto seconds = [](TimePoint at) { return std::to_string(at.time_since_epoch() / 1s); };
    EngineRequest request = query(
        "/events" +
            url_query({{"filters", filters}, {"since", seconds(since)}, {"until", seconds(until)}}),
        state_->timeouts.query);
    request.on_body = [lines](std::string_view bytes) { return lines->feed(bytes); };
    call(std::move(request),
         [this_engine = state_->engine, was_seen, lines, reply = std::move(reply)](
             EngineResult<EngineAnswer> answer) mutable {
             if (!answer) return reply(fail(std::move(answer).error()));
             if (!is_success(*answer)) return reply(fail(refusal(*answer)));
             reply(*was_seen && !is_podman(this_engine->identity));
         });
}

/// In the engine's own time. Its memory is the last 256 events, and empty when it starts: the start
/// of the container itself proves that it did not restart since, and so does anything that happened
/// well before the end, since an engine that starts ends what ran within `restart_longest`.
void DockerEngine::remembers_start(const std::string& container,
                                   TimePoint from,
                                   TimePoint to,
                                   EngineReply<bool> reply) {
    // A start is reported a little after StartedAt.
    std::string own =
        filters_json({{"type", {"container"}}, {"container", {container}}, {"event", {"start"}}});
    auto answer = [weak = anchor_.weak(), from, to, reply = std::move(reply)](
                      EngineResult<bool> seen) mutable {
        auto* self = weak.get();
        if (!seen || *seen || to - restart_longest <= from || !self) return reply(std::move(seen));
        self->has_event(
            filters_json({{"type", {"container"}}}), from, to - restart_longest, std::move(reply));
    };
    has_event(own, from - 1s, to + 1s, std::move(answer));
}

void DockerEngine::remembers_creation(const std::string& container, EngineReply<Memory> reply) {
    auto task = [](std::shared_ptr<State> state,
                   std::string id,
                   EngineReply<Memory> then) -> asio::awaitable<void> {
        auto memory = co_await find_creation(state, std::move(id));
        if (!state->client->is_closed()) then(std::move(memory));
    };
    state_->client->spawn(task(state_, container, std::move(reply)));
}

/// All events that Docker still knows: of fewer than it keeps it has forgotten none, unless it
/// restarted. `until` is a moment ahead by the engine's clock, so that none of them is left out;
/// what it remembers comes at once, and only a "no" waits for that moment.
asio::awaitable<EngineResult<Engine::Memory>> DockerEngine::find_creation(
    std::shared_ptr<State> state, std::string container) {
    if (!state->engine) co_return fail(EngineFailure{Kind::no_answer, "no engine has answered"});
    auto engine = *state->engine;
    // Podman's containers do not depend on the process that answers.
    if (is_podman(engine.identity)) co_return Memory::yes;
    std::string version = "/v" + engine.identity.api_version;
    auto asked_at = std::chrono::steady_clock::now();
    auto begun = state->client->begin(engine.peer, query(version + "/info", state->timeouts.query));
    auto info = co_await state->client->finish(begun);
    if (!info) co_return fail(std::move(info).error());
    if (!is_success(*info)) co_return fail(refusal(*info));
    auto now = parse_system_time(info->body);
    if (!now) co_return fail(std::move(now).error());

    std::size_t count = 0;
    bool is_found = false;
    bool is_prompt = false;
    EventLines lines([&](const ContainerEvent& event) {
        is_found = is_found || (event.is_creation && event.container == container);
    });
    auto nanos = (*now + memory_ahead).time_since_epoch().count();
    std::string until = fmt::format("{}.{:09}", nanos / 1'000'000'000, nanos % 1'000'000'000);
    EngineRequest request = query(
        version + "/events" + url_query({{"since", "1"}, {"until", until}}), state->timeouts.query);
    request.silence_timeout = state->timeouts.query;
    request.on_open = [&] {
        is_prompt = std::chrono::steady_clock::now() - asked_at < memory_ahead / 2;
    };
    request.on_body = [&](std::string_view bytes) {
        count += static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
        return lines.feed(bytes) && !is_found && count < events_remembered;
    };
    begun = state->client->begin(engine.peer, std::move(request));
    auto answer = co_await state->client->finish(begun);
    if (!answer) co_return fail(std::move(answer).error());
    if (!is_success(*answer)) co_return fail(refusal(*answer));
    if (is_found) co_return Memory::yes;
    co_return is_prompt&& count < events_remembered ? Memory::no : Memory::unclear;
}

void DockerEngine::logs(const std::string& container,
                        LogReading reading,
                        LogFrameSink sink,
                        EngineReply<Done> reply) {
    std::string parameters =
        url_query({{"stdout", "1"},
                   {"stderr", "1"},
                   {"follow", reading.follow ? "1" : "0"},
                   {"timestamps", "1"},
                   {"tail", reading.tail ? std::to_string(*reading.tail) : "all"}});
    // Silence says nothing while output is followed: the caller pings.
    auto timeout = reading.follow ? std::nullopt : std::optional(state_->timeouts.log_silence);
    EngineRequest request =
        query(container_path(container, "/logs") + parameters, state_->timeouts.query);
    request.timeout = timeout;
    request.silence_timeout = timeout;
    request.gate = std::move(reading.gate);
    if (state_->engine && !is_podman(state_->engine->identity)) sink = mend_lines(std::move(sink));
    auto frames = std::make_shared<LogFrameParser>(std::move(sink));
    request.on_body = [frames](std::string_view bytes) {
        return frames->feed(bytes) == LogFrameParser::Outcome::more;
    };
    call(std::move(request),
         [frames, reply = std::move(reply)](EngineResult<EngineAnswer> answer) mutable {
             if (!answer) return reply(fail(std::move(answer).error()));
             if (!is_success(*answer)) return reply(fail(refusal(*answer)));
             if (!frames->error().empty())
                 return reply(fail(EngineFailure{Kind::refused, frames->error()}));
             if (!answer->was_stopped && !frames->is_at_boundary())
                 return reply(fail(EngineFailure{
                     Kind::no_answer, "the engine's log ended within a piece of output"}));
             reply(Done{});
         });
}

void DockerEngine::watch(const std::string& label, const std::string& value, Watch watch) {
    if (auto last = state_->watch.lock()) state_->client->drop(last);
    // Podman knows the event as "died" and a label only with its value.
    std::string filters = filters_json(
        {{"type", {"container"}}, {"label", {label + '=' + value}}, {"event", {"die", "died"}}});
    EngineRequest request =
        query("/events" + url_query({{"filters", filters}}), state_->timeouts.query);
    auto lines = std::make_shared<EventLines>(
        [on_end = std::move(watch.on_end)](const ContainerEvent& event) mutable {
            if (event.is_end) on_end(event.container);
        });
    request.on_open = std::move(watch.on_open);
    request.on_body = [lines](std::string_view bytes) { return lines->feed(bytes); };
    state_->watch =
        call(std::move(request),
             [on_break = std::move(watch.on_break)](EngineResult<EngineAnswer> answer) mutable {
                 if (!answer) return on_break(std::move(answer).error());
                 if (!is_success(*answer)) return on_break(refusal(*answer));
                 on_break({Kind::no_answer, "the engine ended its event stream"});
             });
}

}  // namespace scheduler
