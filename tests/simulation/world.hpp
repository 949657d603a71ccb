#pragma once
/// World: the real service, dispatcher, reconciler, spool and SQLite store, in one thread, among a
/// simulated clock, disk and engine, clients, and whatever a history does to them. After each step
/// the promises are checked; the first one that is broken ends the run as a Violation.

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/dispatch/dispatcher.hpp"
#include "daemon/service/service.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"
#include "tests/simulation/history.hpp"
#include "tests/simulation/model.hpp"
#include "tests/simulation/readers.hpp"
#include "tests/simulation/sim_disk.hpp"
#include "tests/simulation/sim_engine.hpp"
#include "tests/simulation/sim_time.hpp"

namespace scheduler::sim {

/// Who asks for all that the clients ask for.
inline const Caller caller{"uid:1000"};

class World {
  public:
    /// `logs`: a directory for output, emptied by the world.
    World(std::filesystem::path logs, bool is_talkative);
    ~World();

    std::function<void(const std::string&)> on_word;  ///< all that --verbose says

    /// Does one step, and lets some time pass.
    void perform(const Step& step);
    /// No faults any more: everything must come to its end, and be as it was promised.
    void come_to_rest();
    /// So many jobs at once, due at the same moment.
    void add_storm(int jobs);

    struct Figures {
        int jobs = 0;
        int starts = 0;
        int retries = 0;
        int crashes = 0;
        int purged = 0;
        std::map<std::string, int> ends;
    };
    [[nodiscard]] Figures figures() const;

  private:
    /// What a daemon's process holds.
    struct Process;
    /// What is to become of a group.
    struct GroupWish {
        std::string name = {};
        GroupEdit edit = {};
        std::optional<Span> length = {};  ///< of a pause
        bool is_removal = false;
    };
    /// A request that was sent and not answered yet.
    struct Asked {
        Action action = Action::add;
        std::vector<AddRequest> added;
        JobId job;
        TimePoint at{};
        RetentionLimits limits = {};  ///< of a prune; none with --dry-run
        SteadyPoint since = {};
        std::size_t moves = 0;  ///< of its job, when it was asked
        JobId earlier = {};     ///< the job that its key stood for by then
        bool without_grace = false;
        EditRequest edit = {};
        GroupWish wish = {};
        bool is_deserted = false;            ///< its client went away and hears no answer
        std::set<std::size_t> learned = {};  ///< of `added`: their rows are known
    };
    /// The request that made a row.
    struct Origin {
        Asked* asked = nullptr;
        std::size_t place = 0;
    };
    using Asking = std::list<Asked>::iterator;
    /// A client that waits for a job's end.
    struct Waiter {
        JobId job;
        SteadyPoint until{};
        WaitToken token = {};
        bool is_answered = false;
    };

    // world.cpp
    void boot();
    void crash(bool machine_too);
    void boot_after(Duration length);
    void pass(Duration length);
    void after_closure();
    void say(const std::string& what) const;

    // clients.cpp
    void ask_to_add(const std::vector<AddRequest>& requests);
    void ask_again();
    void ask_to_change(Action action);
    void ask_to_wait();
    void send_soon(Action action, JobId id);
    void send_change(Asking asking);
    [[nodiscard]] JobId held_job();
    void change_is_done(const Asked& asked);
    AddRequest make_request();
    std::int64_t any_priority();
    Span any_expiry();
    Retries any_retries();
    [[nodiscard]] JobId any_job(std::optional<JobStatus> status);
    template <class T>
    Reply<T> answered(Asking asking, std::function<void(Result<T>)> then);
    Asking ask(Asked asked);
    void acknowledged(const Asked& asked, const AddRequest& request, const AddResponse& response);

    // groups.cpp
    std::string any_group();
    void ask_to_set_group();
    void ask_of_group(const GroupWish& wish);
    void group_is_set(const GroupWish& wish);
    [[nodiscard]] bool is_group_asked() const;
    void check_groups(const std::vector<JobId>& claimed, TimePoint latest);
    void look_at_groups();
    void compare_groups();

    // refusals.cpp
    void check_refusal(const Asked& asked, const Error& error);
    [[nodiscard]] bool was(const Asked& asked, bool (*state)(JobStatus)) const;
    [[nodiscard]] bool is_refused_rightly(const Asked& asked, ErrorCode code);
    void clients_vanish();
    void repeat_unanswered(const Asked& asked);
    void repeat_later(const AddRequest& request);

    // reads.cpp
    void ask_to_read();
    [[nodiscard]] JobId job_to_read(JobStatus likely);
    ListRequest make_selection();
    void read_selection();
    void read_events();
    void read_why(const ModelJob& job);

    // log_readers.cpp
    void read_output(const ModelJob& job);
    std::optional<std::vector<LogChunk>> output_items(const ModelJob& job,
                                                      const LogsRequest& request);
    void check_pieces(const ModelJob& job, const Pieces& told, const Pieces& expected) const;
    [[nodiscard]] std::shared_ptr<const Container> ran(const ModelJob& job) const;
    [[nodiscard]] bool is_output_whole(const ModelJob& job) const;
    [[nodiscard]] const ModelJob* known_of(JobId id) const;
    void follow_output();
    void open_logs(const std::shared_ptr<LogReader>& reader);
    void pull_logs(const std::shared_ptr<LogReader>& reader);
    void logs_came(LogReader& reader, const LogChunk& item);
    void logs_ended(const std::shared_ptr<LogReader>& reader);

    // event_readers.cpp
    void follow_events();
    void open_events(const std::shared_ptr<EventReader>& reader, bool from_now);
    void pull_events(const std::shared_ptr<EventReader>& reader);
    void event_came(EventReader& reader, const JobEvent& event);
    void check_readers();
    void hear_missed_events();
    void resume_readers();
    void drop_readers();

    // list_walks.cpp
    void begin_walk();
    void take_page(const std::shared_ptr<ListWalk>& walk);
    void go_on_walking(const std::weak_ptr<ListWalk>& weak);
    void end_walk(const std::shared_ptr<ListWalk>& walk);

    // faults.cpp
    void do_to_daemon(Action action);
    void do_to_engine(Action action);
    void engine_did(const std::string& what, const std::string& container);
    void set_clock(Duration by);
    void start_was_sent();
    void create_was_sent(const std::string& name);
    void do_to_machine(Action action);

    // history_limits.cpp
    void ask_to_prune();
    void change_limits();
    void learn_of_purges();
    void check_purge(const ModelJob& job);
    void check_totals(const std::vector<Job>& rows);
    void check_history_at_rest();

    // bounds.cpp
    void check_bounds();
    void check_promptness();
    void check_expiries();
    [[nodiscard]] bool has_had_room(const ModelJob& job) const;
    void check_answers();
    void check_runs();
    void check_run(const ModelJob& job);
    [[nodiscard]] SteadyPoint free_since(const ModelJob& job) const;
    [[nodiscard]] std::shared_ptr<Container> container_of(const ModelJob& job) const;
    [[nodiscard]] bool is_time_blurred(const ModelJob& job, const Container& ran) const;
    [[nodiscard]] bool is_any_container_left() const;

    // promises.cpp
    void on_commit(const std::vector<CommittedEvent>& events);
    void on_start(const Container& container);
    [[nodiscard]] std::optional<Origin> origin_of(const Job& row);
    void learn_of(JobId id);
    void check_claim(const std::vector<JobId>& claimed);
    void check_cancel(const Job& row);
    void check_claimed_in_time(const Job& row);
    void moved(ModelJob& job, JobStatus to, const Job& row);
    void check_retry(const ModelJob& job, const Job& row);
    void check_end(const ModelJob& job, const Attempt& end);
    void check_stop(const ModelJob& job, const Attempt& end, const std::shared_ptr<Container>& ran);
    [[nodiscard]] bool may_be_lost(const ModelJob& job,
                                   const Attempt& end,
                                   const std::shared_ptr<Container>& ran) const;
    void compare_after_restart();
    void check_at_rest();
    void check_output(const ModelJob& job, int attempt);
    void check_events();
    [[nodiscard]] std::vector<Job> list_all(std::int64_t page, ListRequest request = {});
    [[nodiscard]] Job row_of(JobId id);
    [[nodiscard]] bool is_asked(Action action, JobId job) const;

    const std::filesystem::path logs_;
    const bool is_talkative_;
    Random random_;
    Random reads_;    ///< chooses what is read
    Random orders_;   ///< chooses priorities
    Random ends_;     ///< chooses what expires
    Random tries_;    ///< chooses what is tried again
    Random lines_;    ///< chooses groups
    Random clients_;  ///< chooses who goes away before an answer, and who sends twice
    SimTime time_{random_};
    SimDisk disk_;
    SimEngine engine_{time_, random_};
    Model model_;
    std::unique_ptr<Process> process_;
    std::list<Asked> asked_;
    std::deque<JobId> to_create_;  ///< claimed in this order
    std::vector<std::shared_ptr<Waiter>> waiters_;
    std::vector<std::shared_ptr<LogReader>> log_readers_;
    std::vector<std::shared_ptr<EventReader>> event_readers_;
    std::vector<std::shared_ptr<ListWalk>> walks_;
    bool is_paused_ = false;  ///< acknowledged, without an end
    bool crashes_at_start_ = false;
    bool engine_dies_at_start_ = false;
    bool is_stopping_ = false;  ///< nothing new is begun
    bool is_failing_ = false;   ///< the store said that it can't go on
    int max_running_ = 8;
    RetentionLimits limits_;
    /// A round that has begun keeps them, and what was purged is learned when a daemon is up.
    std::vector<RetentionLimits> limits_before_;
    TimePoint latest_wall_{};        ///< since purges were last learned of: a clock may be set back
    bool may_lose_history_ = false;  ///< any limit was ever set or asked for
    int keys_ = 0;
    int crashes_ = 0;
    TimePoint wall_before_jump_{};  ///< a clock that was set back makes what was due not due
    SteadyPoint jumped_at_{};
    int closures_to_crash_ = 0;  ///< 0: no crash is armed
    bool crash_cuts_power_ = false;
    SteadyPoint booted_at_{};
    SteadyPoint died_at_{};
    SteadyPoint next_look_{};
    SteadyPoint troubled_at_{};  ///< when something last kept due jobs waiting
    std::map<std::string, SteadyPoint> group_troubled_at_;  ///< the same for jobs of a group
    // The last moment at which a part was not well.
    SteadyPoint unheard_at_{};  ///< when a change that no event tells was last under way
    SteadyPoint engine_troubled_at_{};
    SteadyPoint disk_troubled_at_{};
    SteadyPoint unlinked_at_{};
    SteadyPoint space_came_at_{};
};

struct World::Process {
    Metrics metrics;
    EventHub events;
    std::unique_ptr<SqliteStore> store;
    std::unique_ptr<Spool> spool;
    std::unique_ptr<Dispatcher> dispatcher;
    std::unique_ptr<Service> service;
};

/// Takes the question off the list, then lets `then` see the answer.
template <class T>
Reply<T> World::answered(Asking asking, std::function<void(Result<T>)> then) {
    return [this, asking, then = std::move(then)](Result<T> result) {
        if (disk_.has_crashed) return;  // nobody hears a process that was killed
        if (!result) check_refusal(*asking, result.error());
        if (result || result.error().code != ErrorCode::unavailable) {
            if (!asking->is_deserted) then(std::move(result));
            asked_.erase(asking);
        }
        // After a failed write it may or may not have happened: it stays open until the restart.
    };
}

}  // namespace scheduler::sim
