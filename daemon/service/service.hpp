#pragma once
/// Service: every operation once; the only door to jobs. Front ends translate bytes to requests and
/// back, and nothing else. Any thread: it owns no state but what its parts synchronise.
/// A write completes when its commit has (the reply comes on the store's writer thread); a read is
/// short and answers in place; a stream is pulled (base/stream.hpp).

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/operations.hpp"
#include "daemon/base/clock.hpp"
#include "daemon/base/executor.hpp"
#include "daemon/base/metrics.hpp"
#include "daemon/base/reply.hpp"
#include "daemon/base/stream.hpp"
#include "daemon/service/caller.hpp"
#include "daemon/service/wait_token.hpp"
#include "daemon/store/store.hpp"

namespace scheduler {

class Dispatcher;
class EventHub;
class Spool;

/// What users can set. Reloaded as a whole on SIGHUP.
struct ServiceOptions {
    bool refuse_past_dates = false;
    int max_running = 100;
    std::optional<std::int64_t> log_total = {};  ///< bytes; nothing: unlimited
    std::string state_dir = {};
    std::string instance = {};  ///< whose containers and unfinished backups are ours
    std::vector<std::string> listen;
    std::string socket;
    std::vector<std::string> warnings;
};

/// What `GET /readyz` says.
struct Readiness {
    bool ready = false;
    std::string reason;  ///< why not, in a sentence; or what a ready daemon is kept from (paused)
};

class Service {
  public:
    /// All parts outlive the service. `timers` runs the deadlines of waits, `background` what waits
    /// for a disk.
    Service(Store& store,
            Spool& spool,
            Dispatcher& dispatcher,
            EventHub& events,
            Metrics& metrics,
            const Clock& clock,
            Executor& timers,
            Executor& background);
    ~Service();

    /// Any thread; in force for the next request.
    void set_options(ServiceOptions options);

    void handle(const AddRequest& request, const Caller& caller, Reply<AddResponse> reply);
    void handle(const AddBatchRequest& request,
                const Caller& caller,
                Reply<AddBatchResponse> reply);
    void handle(const RemoveRequest& request, const Caller& caller, Reply<MessageResponse> reply);
    void handle(const RunRequest& request, const Caller& caller, Reply<MessageResponse> reply);
    void handle(const HoldRequest& request, const Caller& caller, Reply<MessageResponse> reply);
    void handle(const ReleaseRequest& request, const Caller& caller, Reply<MessageResponse> reply);
    void handle(const EditRequest& request, const Caller& caller, Reply<EditResponse> reply);
    void handle(const KillRequest& request, const Caller& caller, Reply<MessageResponse> reply);
    /// Nothing when it has replied already.
    [[nodiscard]] WaitToken handle(const WaitRequest& request,
                                   const Caller& caller,
                                   Reply<Job> reply);
    /// Reads page by page on `timers`. Nothing when it has replied already; whoever drops the token
    /// ends it.
    [[nodiscard]] WaitToken handle(const VerifyRequest& request,
                                   const Caller& caller,
                                   Reply<VerifyResponse> reply);
    /// Once begun it ends, whoever went away.
    void handle(const BackupRequest& request, const Caller& caller, Reply<BackupResponse> reply);
    void handle(const PauseRequest& request, const Caller& caller, Reply<MessageResponse> reply);
    void handle(const ResumeRequest& request, const Caller& caller, Reply<MessageResponse> reply);
    void handle(const PruneRequest& request, const Caller& caller, Reply<PruneResponse> reply);
    void handle(const DefSetRequest& request, const Caller& caller, Reply<DefSetResponse> reply);
    void handle(const DefImportRequest& request,
                const Caller& caller,
                Reply<DefImportResponse> reply);
    void handle(const DefRemoveRequest& request,
                const Caller& caller,
                Reply<MessageResponse> reply);
    void handle(const GroupSetRequest& request, const Caller& caller, Reply<GroupResponse> reply);
    void handle(const GroupPauseRequest& request, const Caller& caller, Reply<GroupResponse> reply);
    void handle(const GroupResumeRequest& request,
                const Caller& caller,
                Reply<GroupResponse> reply);
    void handle(const GroupRemoveRequest& request,
                const Caller& caller,
                Reply<MessageResponse> reply);

    Result<ListResponse> handle(const ListRequest& request, const Caller& caller);
    Result<Job> handle(const ShowRequest& request, const Caller& caller);
    Result<StatusResponse> handle(const StatusRequest& request, const Caller& caller);
    Result<WhyResponse> handle(const WhyRequest& request, const Caller& caller);
    Result<Definition> handle(const DefShowRequest& request, const Caller& caller);
    Result<DefListResponse> handle(const DefListRequest& request, const Caller& caller);
    Result<Group> handle(const GroupShowRequest& request, const Caller& caller);
    Result<GroupListResponse> handle(const GroupListRequest& request, const Caller& caller);

    Result<std::unique_ptr<Stream<LogChunk>>> handle(const LogsRequest& request,
                                                     const Caller& caller);
    Result<std::unique_ptr<Stream<JobEvent>>> handle(const SubscribeRequest& request,
                                                     const Caller& caller);

    /// Every job that passes the request's filters (its limit and after are not looked at), running
    /// first: in one piece, from one consistent picture, up to jobs_in_one_picture; nothing when
    /// there are more (then `list_stream`).
    static constexpr std::int64_t jobs_in_one_picture = 5000;
    Result<std::optional<std::vector<Job>>> list_all(const ListRequest& request);
    /// The same page by page, without a database snapshot: pages of jobs of one section each (never
    /// empty). A job that moves from scheduled to running meanwhile comes at the end of the
    /// scheduled ones.
    struct ListPart {
        enum class Section { running, scheduled, history };
        Section section = Section::running;
        std::vector<Job> jobs;
    };
    Result<std::unique_ptr<Stream<ListPart>>> list_stream(const ListRequest& request);

    Readiness readiness();
    /// Where front ends count their requests.
    Metrics& metrics();
    /// Prometheus text exposition, version 0.0.4.
    std::string metrics_text();

  private:
    struct Parts;
    /// What keeps due jobs from being started now; empty: nothing that is known.
    std::string hindrance(TimePoint now);
    /// What of its group keeps a due job from being started; empty: nothing.
    std::string group_hindrance(const Job& job);
    /// What a scheduled job waits for, after the words "job N (NAME)".
    std::string why_scheduled(const Job& job, TimePoint now);
    std::unique_ptr<Parts> parts_;
};

/// Operations that change nothing and answer when they can: who asked holds a token meanwhile.
template <class Request>
concept SlowRead = requires(Service& service,
                            const Request& request,
                            const Caller& caller,
                            Reply<typename Request::Response> reply) {
    { service.handle(request, caller, std::move(reply)) } -> std::same_as<WaitToken>;
};

/// Any operation that answers once, read or write, in one way. A token comes from a slow read
/// alone.
template <class Request>
requires(!StreamingOperation<Request>) WaitToken call(Service& service,
                                                      const Request& request,
                                                      const Caller& caller,
                                                      Reply<typename Request::Response> reply) {
    if constexpr (SlowRead<Request>)
        return service.handle(request, caller, std::move(reply));
    else if constexpr (requires { service.handle(request, caller, std::move(reply)); })
        service.handle(request, caller, std::move(reply));
    else
        reply(service.handle(request, caller));
    return nullptr;
}

}  // namespace scheduler
