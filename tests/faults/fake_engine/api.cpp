#include "tests/faults/fake_engine/api.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace scheduler::fake_engine {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;
using Phase = Container::Phase;
using std::chrono::steady_clock;

constexpr const char* image = "test/busybox:1";
constexpr auto look_again = 100ms;  ///< whether the reader of a stream is still there

/// As the engine writes it; year 1 stands for "not yet".
std::string engine_time(std::optional<WallTime> at) {
    if (!at) return "0001-01-01T00:00:00Z";
    std::int64_t nanos = at->time_since_epoch().count();
    std::time_t seconds = static_cast<std::time_t>(nanos / 1'000'000'000);
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z",
                       utc.tm_year + 1900,
                       utc.tm_mon + 1,
                       utc.tm_mday,
                       utc.tm_hour,
                       utc.tm_min,
                       utc.tm_sec,
                       nanos % 1'000'000'000);
}

const char* word(Phase phase) {
    switch (phase) {
        case Phase::created:
            return "created";
        case Phase::running:
            return "running";
        case Phase::exited:
            return "exited";
    }
    return "";
}

std::string message(const std::string& text) {
    return Json{{"message", text}}.dump();
}

Json inspection(const Container& container) {
    return {{"Id", container.id},
            {"Name", '/' + container.name},
            {"Config", {{"Labels", container.labels}, {"Tty", false}}},
            {"HostConfig", Json::parse(container.host_config)},
            {"State",
             {{"Status", word(container.phase)},
              {"Running", container.phase == Phase::running},
              {"ExitCode", container.exit_code},
              {"Error", ""},
              {"OOMKilled", false},
              {"StartedAt", engine_time(container.started_at)},
              {"FinishedAt", engine_time(container.finished_at)}}}};
}

/// `filters`: {"label":["a=b"],"event":["die"],…}
class Filters {
  public:
    explicit Filters(const Request& request) {
        auto given = request.query.find("filters");
        if (given != request.query.end()) json_ = Json::parse(given->second);
    }
    [[nodiscard]] bool allows(const char* name, const std::string& value) const {
        auto wanted = json_.find(name);
        return wanted == json_.end() ||
               std::find(wanted->begin(), wanted->end(), value) != wanted->end();
    }
    [[nodiscard]] bool allows_labels(const Labels& labels) const {
        auto wanted = json_.find("label");
        if (wanted == json_.end()) return true;
        return std::all_of(wanted->begin(), wanted->end(), [&](const Json& pair) {
            std::string text = pair;
            std::size_t equal = text.find('=');
            auto label = labels.find(text.substr(0, equal));
            return label != labels.end() &&
                   (equal == std::string::npos || label->second == text.substr(equal + 1));
        });
    }
    [[nodiscard]] bool allows(const Event& event) const {
        return allows("type", "container") && allows("event", event.action) &&
               allows("container", event.container) && allows_labels(event.attributes);
    }

  private:
    Json json_ = Json::object();
};

std::string event_line(const Event& event) {
    return Json{{"Type", "container"},
                {"Action", event.action},
                {"status", event.action},
                {"id", event.container},
                {"Actor", {{"ID", event.container}, {"Attributes", event.attributes}}},
                {"time", event.at.time_since_epoch() / 1s},
                {"timeNano", event.at.time_since_epoch().count()}}
               .dump() +
           '\n';
}

/// A moment of `since` and `until`, in seconds with or without nine digits more.
std::optional<WallTime> moment(const Request& request, const char* name) {
    auto given = request.query.find(name);
    if (given == request.query.end()) return std::nullopt;
    std::size_t dot = given->second.find('.');
    std::int64_t nanos = dot == std::string::npos ? 0 : std::stoll(given->second.substr(dot + 1));
    return WallTime(std::chrono::seconds(std::stoll(given->second)) +
                    std::chrono::nanoseconds(nanos));
}

std::string log_frame(const LogLine& line, bool with_time) {
    std::string text = with_time ? engine_time(line.at) + ' ' + line.text : line.text;
    auto length = static_cast<std::uint32_t>(text.size());
    std::string frame(8, '\0');
    frame[0] = 1;  // stdout
    for (std::size_t i = 0; i < 4; ++i)
        frame[4 + i] = static_cast<char>(length >> (24 - 8 * i));
    return frame + text;
}

bool is_set(const Request& request, const char* name) {
    auto given = request.query.find(name);
    return given != request.query.end() && (given->second == "1" || given->second == "true");
}

}  // namespace

bool Api::serve(HttpPeer& peer, const Request& request) {
    std::string path = request.path;
    // With or without the version: /v1.41/containers/json.
    if (path.starts_with("/v1.")) path.erase(0, path.find('/', 1));
    if (path == "/behavior") {
        Answer answer = behave(request);
        peer.answer(answer.status, answer.body);
        return true;
    }
    wait_while_hung();
    Behavior now = behavior();
    wait_up_to(now.latency_ms);
    if (is_stream(peer, request, path)) return false;
    if (chance() < now.refuse) {
        peer.answer(500, message("the fake engine was told to refuse this"));
        return true;
    }
    Answer answer = handle(request, path);
    if (chance() < now.cut) return false;
    peer.answer(answer.status, answer.body, answer.type);
    return true;
}

bool Api::is_stream(HttpPeer& peer, const Request& request, const std::string& path) {
    constexpr std::string_view before = "/containers/", after = "/logs";
    if (path == "/events") {
        stream_events(peer, request);
        return true;
    }
    if (!path.starts_with(before) || !path.ends_with(after)) return false;
    stream_logs(
        peer, request, path.substr(before.size(), path.size() - before.size() - after.size()));
    return true;
}

Api::Answer Api::handle(const Request& request, const std::string& path) {
    constexpr std::string_view containers = "/containers/", images = "/images/";
    if (path == "/_ping") return {200, "OK", "text/plain"};
    if (path == "/version") return {200, R"({"ApiVersion":"1.41","MinAPIVersion":"1.12"})"};
    if (path == "/info")
        return {200,
                Json{{"ID", "FAKE"},
                     {"Name", "fake"},
                     {"DockerRootDir", "/fake"},
                     {"ServerVersion", "0"},
                     {"SystemTime", engine_time(std::chrono::system_clock::now())},
                     {"NCPU", 8}}
                    .dump()};
    if (path == "/containers/create") return create(request);
    if (path == "/containers/json") return list(request);
    if (path.starts_with(images))
        return path == std::string(images) + image + "/json"
                   ? Answer{200, "{}"}
                   : Answer{404, message("No such image")};
    if (path.starts_with(containers))
        return handle_container(request, path.substr(containers.size()));
    return {404, message("page not found")};
}

Api::Answer Api::create(const Request& request) {
    Json body = Json::parse(request.body);
    std::string wanted = body.value("Image", "");
    if (wanted != image) return {404, message("No such image: " + wanted)};
    auto name = request.query.find("name");
    if (name == request.query.end()) return {400, message("the fake engine wants a name")};
    auto command = body.value("Cmd", std::vector<std::string>());
    if (command.size() != 3 || command[0] != "run")
        return {400, message("the fake engine runs: run MILLISECONDS EXIT_CODE")};
    auto id = containers_.create(name->second,
                                 body.value("Labels", Labels()),
                                 body.value("HostConfig", Json::object()).dump(),
                                 command);
    if (!id)
        return {409,
                message(fmt::format("Conflict. The container name \"/{}\" is already in use",
                                    name->second))};
    return {201, Json{{"Id", *id}, {"Warnings", Json::array()}}.dump()};
}

Api::Answer Api::list(const Request& request) {
    Filters filters(request);
    Json result = Json::array();
    for (const Container& container : containers_.all()) {
        if (!filters.allows_labels(container.labels)) continue;
        if (container.phase != Phase::running && !is_set(request, "all")) continue;
        result.push_back({{"Id", container.id},
                          {"Names", {'/' + container.name}},
                          {"State", word(container.phase)},
                          {"Labels", container.labels}});
    }
    return {200, result.dump()};
}

Api::Answer Api::handle_container(const Request& request, const std::string& rest) {
    std::size_t slash = rest.find('/');
    std::string name = rest.substr(0, slash);
    std::string verb = slash == std::string::npos ? "" : rest.substr(slash + 1);
    Containers::Done done = Containers::Done::not_found;
    int was_so_already = 304;
    if (request.method == "GET" && verb == "json") {
        auto container = containers_.find(name);
        if (container) return {200, inspection(*container).dump()};
    } else if (verb == "start") {
        // As long as it is queued, nothing tells that it is coming; that its sender is gone does
        // not matter.
        wait_up_to(behavior().start_delay_ms);
        done = containers_.start(name);
    } else if (verb == "stop") {
        done = containers_.stop(name, 143, "15");
    } else if (verb == "kill") {
        done = containers_.stop(name, 137, "9");
        was_so_already = 409;
    } else if (request.method == "DELETE" && verb.empty()) {
        done = containers_.remove(name, is_set(request, "force"));
    } else {
        return {404, message("page not found")};
    }
    switch (done) {
        case Containers::Done::yes:
            return {204, ""};
        case Containers::Done::was_so_already:
            return {was_so_already, message(fmt::format("Container {} is not running", name))};
        case Containers::Done::not_found:
            return {404, message("No such container: " + name)};
        case Containers::Done::refused:
            return {409, message("You cannot remove a running container " + name)};
    }
    return {500, ""};
}

void Api::stream_events(HttpPeer& peer, const Request& request) {
    Filters filters(request);
    auto since = moment(request, "since");
    auto until = moment(request, "until");
    std::uint64_t seen = since ? containers_.forgotten_events() : containers_.newest_event();
    peer.begin_chunks();
    while (true) {
        for (const Event& event :
             containers_.events_after(seen, steady_clock::now() + look_again)) {
            seen = event.number;
            if (since && event.at < *since) continue;
            if (until && event.at > *until) continue;
            if (filters.allows(event) && !peer.write_chunk(event_line(event))) return;
        }
        if (until && std::chrono::system_clock::now() > *until) return peer.end_chunks();
        if (peer.is_gone()) return;
    }
}

void Api::stream_logs(HttpPeer& peer, const Request& request, const std::string& name) {
    auto container = containers_.find(name);
    if (!container) return peer.answer(404, message("No such container: " + name));
    peer.begin_chunks();
    if (!container->log.empty() && chance() < behavior().cut) {
        (void)peer.write_chunk(log_frame(container->log[0], true).substr(0, 10));
        return;
    }
    std::size_t written = 0;
    while (container) {
        for (; written < container->log.size(); ++written)
            if (!peer.write_chunk(
                    log_frame(container->log[written], is_set(request, "timestamps"))))
                return;
        if (container->phase != Phase::running || !is_set(request, "follow")) break;
        if (peer.is_gone()) return;
        std::uint64_t seen = containers_.newest_event();
        container = containers_.find(name);
        if (container && container->phase == Phase::running)
            (void)containers_.events_after(seen, steady_clock::now() + look_again);
    }
    peer.end_chunks();
}

// ---- misbehaving ----

Api::Answer Api::behave(const Request& request) {
    Json json = Json::parse(request.body);
    std::lock_guard lock(mutex_);
    behavior_ = {json.value("start_delay_ms", 0),
                 json.value("latency_ms", 0),
                 json.value("cut", 0.0),
                 json.value("refuse", 0.0),
                 json.value("hang", false)};
    behavior_changed_.notify_all();
    return {200, "{}"};
}

Behavior Api::behavior() {
    std::lock_guard lock(mutex_);
    return behavior_;
}

void Api::wait_while_hung() {
    std::unique_lock lock(mutex_);
    behavior_changed_.wait(lock, [&] { return !behavior_.hang; });
}

double Api::chance() {
    std::lock_guard lock(mutex_);
    return std::uniform_real_distribution<double>(0, 1)(random_);
}

void Api::wait_up_to(int milliseconds) {
    if (milliseconds <= 0) return;
    std::this_thread::sleep_for(chance() * std::chrono::milliseconds(milliseconds));
}

}  // namespace scheduler::fake_engine
