#include "daemon/http/routes.hpp"

#include <algorithm>

#include "daemon/http/handlers.hpp"

namespace scheduler {
namespace {

/// An operation as it is: fields in, response as JSON out.
template <class Request>
Route route(std::string_view method, std::string_view path, std::string_view summary) {
    return {method,
            path,
            Request::method,
            summary,
            &answer_operation<Request>,
            schema_of_operation<Request>()};
}

/// An operation that HTTP shows in a form of its own.
template <class Request>
Route route(std::string_view method,
            std::string_view path,
            std::string_view summary,
            Handler handler,
            RouteSchema schema) {
    schema.request = field_schemas<Request>();
    return {method, path, Request::method, summary, handler, std::move(schema)};
}

/// What is no operation.
Route page(std::string_view path,
           std::string_view summary,
           Handler handler,
           RouteSchema schema = {}) {
    return {"GET", path, "", summary, handler, std::move(schema)};
}

RouteSchema json_response(std::string schema) {
    RouteSchema made;
    made.response = std::move(schema);
    return made;
}
RouteSchema text_response(std::string media_type) {
    RouteSchema made;
    made.response_type = std::move(media_type);
    return made;
}

Route show_route(std::string_view path) {
    Route made = route<ShowRequest>("GET",
                                    path,
                                    "One job; with `wait`, when it has ended",
                                    show_or_wait,
                                    json_response(value_schema<Job>()));
    made.schema.request.push_back({"wait",
                                   "answer when the job has ended, or after this long, 10m at most",
                                   value_schema<Span>(),
                                   value_schema<Span>(),
                                   false});
    return made;
}

std::string job_list_schema() {
    std::string section =
        fmt::format(R"({{"type":"object","additionalProperties":{}}})", job_schema_reference);
    return fmt::format(
        R"({{"type":"object","properties":{{"running":{0},"scheduled":{0},"history":{0}}},"required":["running","scheduled","history"]}})",
        section);
}

/// Operations without a line here, and why:
///   add_batch  `POST /job` takes one job; a batch is for the socket, where it is `add` with `jobs`
///   backup     writes a file as the daemon's user, which is for who may use the socket
///   wait       is `?wait=` of the routes of `show`
std::vector<Route> make_table() {
    const std::string message = object_schema<MessageResponse>();
    return {
        page("/", "To the list of jobs", redirect_to_jobs),
        route<ListRequest>("GET",
                           "/jobs",
                           "All jobs, or a page of them",
                           list_jobs,
                           json_response(job_list_schema())),
        route<AddRequest>(
            "POST", "/job", "Submits a job", add_job, json_response(object_schema<AddResponse>())),
        show_route("/job/{job_id}"),
        show_route("/job"),
        route<RemoveRequest>("DELETE", "/job/{job_id}", "Takes a scheduled job back"),
        route<RemoveRequest>("DELETE", "/job", "Takes a scheduled job back"),
        route<RunRequest>("POST", "/job/{job_id}/run", "Makes a scheduled job due now"),
        route<HoldRequest>("POST", "/job/{job_id}/hold", "Keeps a scheduled job from starting"),
        route<ReleaseRequest>("POST", "/job/{job_id}/release", "Lets a held job go"),
        route<EditRequest>("PATCH", "/job/{job_id}", "Changes a scheduled job"),
        route<KillRequest>("POST", "/job/{job_id}/kill", "Stops a running job"),
        route<WhyRequest>("GET", "/job/{job_id}/why", "Why a job waits, was late, or ended so"),
        route<LogsRequest>("GET",
                           "/job/{job_id}/logs",
                           "A job's output",
                           stream_logs,
                           text_response("text/plain")),
        route<SubscribeRequest>("GET",
                                "/events",
                                "Transitions of jobs as Server-Sent Events",
                                stream_events,
                                text_response("text/event-stream")),
        route<PauseRequest>("POST", "/pause", "Starts nothing until resumed"),
        route<ResumeRequest>("POST", "/resume", "Starts due jobs again"),
        route<PruneRequest>("POST", "/prune", "Removes ended jobs and output over the limits"),
        route<StatusRequest>("GET", "/status", "What the daemon is doing"),
        route<VerifyRequest>("GET",
                             "/verify",
                             "Compares store, containers and output, and reports what is wrong",
                             verify,
                             json_response(object_schema<VerifyResponse>())),
        route<DefListRequest>("GET", "/definitions", "Definitions, by name"),
        route<DefImportRequest>("POST", "/definitions", "Sets several definitions, all or none"),
        route<DefShowRequest>("GET", "/definitions/{name}", "One definition"),
        route<DefSetRequest>("PUT", "/definitions/{name}", "Makes or replaces a definition"),
        route<DefRemoveRequest>("DELETE", "/definitions/{name}", "Removes a definition"),
        route<GroupListRequest>("GET", "/groups", "Groups that were set, by name"),
        route<GroupShowRequest>("GET", "/groups/{name}", "One group"),
        route<GroupSetRequest>("PUT", "/groups/{name}", "Makes a group, or changes its limit"),
        route<GroupRemoveRequest>("DELETE", "/groups/{name}", "Takes a group's limit away"),
        route<GroupPauseRequest>("POST", "/groups/{name}/pause", "Starts none of its jobs"),
        route<GroupResumeRequest>("POST", "/groups/{name}/resume", "Starts its due jobs again"),
        page("/healthz", "Whether the daemon is alive", show_health, json_response(message)),
        page("/readyz",
             "Whether jobs can be run; 503 and why, if not",
             show_readiness,
             json_response(message)),
        page("/metrics",
             "Counters in Prometheus' text format",
             show_metrics,
             text_response("text/plain")),
        page("/openapi.json", "This document", show_openapi, json_response(R"({"type":"object"})")),
    };
}

bool is_parameter(std::string_view segment) {
    return segment.size() > 2 && segment.front() == '{';
}

/// What the pattern names, or nothing when the path is another one.
std::optional<FormFields> match_path(std::string_view pattern,
                                     const std::vector<std::string>& segments) {
    FormFields named;
    std::size_t index = 0;
    pattern.remove_prefix(1);
    while (!pattern.empty()) {
        auto end = pattern.find('/');
        auto part = pattern.substr(0, end);
        pattern.remove_prefix(end == std::string_view::npos ? pattern.size() : end + 1);
        if (index == segments.size()) return std::nullopt;
        const std::string& segment = segments[index++];
        if (is_parameter(part) && !segment.empty())
            named.emplace_back(part.substr(1, part.size() - 2), segment);
        else if (part != segment)
            return std::nullopt;
    }
    if (index != segments.size()) return std::nullopt;
    return named;
}

}  // namespace

const std::vector<Route>& routes() {
    static const std::vector<Route> table = make_table();
    return table;
}

RouteMatch match_route(std::string_view method, const Target& target) {
    RouteMatch match;
    if (target.path == "*") {
        match.allowed = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
        return match;
    }
    std::string_view wanted = method == "HEAD" ? "GET" : method;
    for (const Route& route : routes()) {
        auto named = match_path(route.path, target.segments);
        if (!named) continue;
        match.allowed.push_back(route.method);
        if (route.method == "GET") match.allowed.push_back("HEAD");
        if (route.method != wanted) continue;
        match.route = &route;
        match.path_fields = std::move(*named);
    }
    if (!match.allowed.empty()) match.allowed.push_back("OPTIONS");
    return match;
}

}  // namespace scheduler
