#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/fields.hpp"
#include "common/time.hpp"

namespace scheduler {

struct StatusResponse {
    std::string version;
    bool ready = false;
    std::optional<std::string> reason;  ///< why it is not ready
    bool paused = false;
    std::optional<Instant> paused_until;
    std::optional<std::string> engine;  ///< address and version, once one was reached
    std::map<std::string, std::int64_t> jobs;
    std::optional<Instant> next_due_at;
    std::int64_t overdue = 0;
    std::int64_t max_running = 0;
    std::int64_t purged = 0;
    std::int64_t output_bytes = 0;
    std::optional<std::int64_t> log_total;
    Instant now;
    std::string zone;
    std::int64_t pid = 0;
    Instant started_at;
    std::string state_dir;
    std::vector<std::string> listen;
    std::string socket;
    std::vector<std::string> warnings;
    std::optional<std::int64_t> last_event;  ///< what `subscribe` can go on after

    static void fields(auto& self, auto& visit) {
        visit("version", self.version, "of the daemon");
        visit.with_default("ready", self.ready, "store and engine are usable");
        visit("reason", self.reason, "why it is not ready");
        visit.with_default("paused", self.paused, "nothing is started");
        visit("paused_until", self.paused_until, "when it resumes by itself");
        visit("engine", self.engine, "address and version");
        visit.with_default("jobs", self.jobs, "how many in each state, and ended in each way");
        visit("next_due_at", self.next_due_at, "of the earliest scheduled job");
        visit.with_default("overdue", self.overdue, "due and not started yet");
        visit.with_default("max_running", self.max_running, "containers at once");
        visit.with_default("purged", self.purged, "jobs that were removed from history, ever");
        visit.with_default("output_bytes", self.output_bytes, "output kept of ended jobs");
        visit("log_total", self.log_total, "bytes that output_bytes is kept within");
        visit("now", self.now, "the daemon's clock");
        visit.with_default("zone", self.zone, "the daemon's time zone");
        visit.with_default("pid", self.pid, "of the daemon");
        visit("started_at", self.started_at, "when the daemon started");
        visit.with_default("state_dir", self.state_dir, "database and logs");
        visit("listen", self.listen, "HTTP addresses");
        visit.with_default("socket", self.socket, "Unix socket");
        visit("warnings", self.warnings, "what someone should look at");
        visit("last_event", self.last_event, "seq of the newest event");
    }
};

/// What the daemon is doing. Never fails while the store can be read.
struct StatusRequest {
    using Response = StatusResponse;
    static constexpr std::string_view method = "status";
    static void fields(auto&, auto&) {}
};

}  // namespace scheduler
