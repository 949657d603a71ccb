#pragma once
/// EngineLink keeps the daemon in touch with its engine: connects, checks that it is the one whose
/// containers the rows name, watches for ends, notices when it is gone or hangs, and comes back
/// with backoff. Lives on the core; `status` is for any thread. Does not own the engine.

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/anchor.hpp"
#include "daemon/base/clock.hpp"
#include "daemon/base/executor.hpp"
#include "daemon/base/published.hpp"
#include "daemon/engine/engine.hpp"
#include "daemon/store/store.hpp"

namespace scheduler {

struct EngineStatus {
    bool is_up = false;
    std::string reason = "the engine was not asked yet";  ///< why it is not up
    std::optional<EngineIdentity> identity;               ///< of the last one that answered
    std::optional<TimePoint> down_since;
    SteadyPoint answered_at{};  ///< when it was last known to answer
};

/// A stretch of time in which the engine was not watched, by the wall clock as it was then.
struct Outage {
    TimePoint broke_at{};
    TimePoint answered_at{};
    /// How far the wall clock was ahead of the steady one then: the same, unless it was set.
    Duration broke_shift{}, answered_shift{};
    std::string reason;  ///< empty: it answered at once (a first contact)
};

/// When a container was seen to run.
struct Sighting {
    int contact = 0;  ///< the link's; 0: never by this process
    TimePoint at{};
    Duration wall_shift{};  ///< how far the wall clock was ahead of the steady one
};

class EngineLink {
  public:
    struct Parts {
        Engine& engine;
        Store& store;
        const Clock& clock;
        Executor& core;
        std::string instance;
        bool engine_is_given = false;  ///< by --engine: then another engine may take over
    };
    struct Callbacks {
        UniqueFunction<void()> on_up;
        UniqueFunction<void(const std::string& container)> on_end;
    };
    EngineLink(Parts parts, Callbacks callbacks);

    void start();
    void stop();

    [[nodiscard]] bool is_up() const { return is_up_; }
    /// Core only, while up.
    [[nodiscard]] const EngineIdentity& identity() const { return identity_; }
    /// The last outage; at first the time before this process's first contact.
    [[nodiscard]] const Outage& outage() const { return outages_.back(); }
    /// Whether this moment of the wall clock may lie in any outage since then, or up to `before`
    /// ahead of it or `after` behind it. So it may if no process of ours saw it, and if the clock
    /// was set meanwhile, as far as that shows.
    [[nodiscard]] bool is_in_outage_since(const Sighting& seen,
                                          TimePoint at,
                                          Duration before,
                                          Duration after) const;
    /// What is seen now.
    [[nodiscard]] Sighting sighting() const;
    /// How often it came up: what was seen in one contact was not ended by an outage before it.
    [[nodiscard]] int contact() const { return contact_; }
    [[nodiscard]] EngineStatus status() const { return published_.get(); }

    /// Someone got no answer: ask whether the engine is there, and go down if not.
    void check();
    /// Replies true when the engine takes new connections and was not out of touch meanwhile. One
    /// that shuts down goes on answering on the connections that it has, while it stops its
    /// containers; then this goes down, and replies false.
    void prove(UniqueFunction<void(bool)> reply);

  private:
    /// Changes when the wall clock is set, or the machine sleeps, and at no other time: both clocks
    /// are slewed alike.
    [[nodiscard]] Duration wall_shift() const;
    static constexpr std::size_t outages_max = 16;
    void answered();
    void connect();
    void on_identity(EngineIdentity identity);
    void open_watch();
    void go_up();
    void go_down(const std::string& reason);
    void retry_later();
    void prove_now();
    void publish(const std::string& reason);
    /// Empty, or why this engine can't be used.
    std::string refuse(const EngineIdentity& identity);

    Parts parts_;
    Callbacks callbacks_;
    EngineIdentity identity_;
    /// The last ones, oldest first; the last one ended with `contact_`, or goes on. When there are
    /// too many, the oldest two become one.
    std::deque<Outage> outages_{1};
    SteadyPoint answered_at_{};
    int contact_ = 0;
    bool is_up_ = false;
    bool is_checking_ = false;
    bool is_proving_ = false;
    bool stopped_ = false;
    int failures_ = 0;
    /// Of connecting, one at a time: what an earlier one still brings does not count, least of all
    /// a second watch, since what ends while one takes the place of the other is told to neither.
    int attempt_ = 0;
    std::optional<TimePoint> down_since_;
    std::string last_reason_;
    std::vector<UniqueFunction<void(bool)>> want_proof_;  ///< asked since the last proof began
    Published<EngineStatus> published_;
    Anchor<EngineLink> anchor_{*this};
};

}  // namespace scheduler
