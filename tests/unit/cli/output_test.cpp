/// What schedctl prints, as functions from values to text.

#include <catch2/catch.hpp>

#include "cli/output/colour.hpp"
#include "cli/output/job_text.hpp"
#include "cli/output/json.hpp"
#include "cli/output/relative_time.hpp"
#include "cli/output/status_text.hpp"
#include "cli/output/table.hpp"
#include "cli/output/text.hpp"
#include "cli/output/verify_text.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;

const TimePoint now = parse_rfc3339("2027-06-20T17:00:00Z").value();

Job make_job() {
    Job job;
    job.id = JobId::parse("0197d2c0a5b37a1e8c00112233445566").value();
    job.number = 42;
    job.job_name = "alpine:3.20";
    job.scheduled_in = "20-06-2027 17:00:00";
    job.scheduled_to = "20-06-2027 20:00:00";
    job.created_at = Instant{now};
    job.due_at = Instant{now + 3h};
    return job;
}

Job make_failed_job() {
    Job job = make_job();
    job.status = JobStatus::finished;
    job.finish_status = FinishStatus::failed;
    job.started_at = Instant{now + 3h};
    job.finished_at = Instant{now + 3h + 90s};
    job.finish_date = "20-06-2027 20:01:30";
    job.exit_code = 3;
    return job;
}

}  // namespace

TEST_CASE("of an ambiguous id each job stands on its own line", "[cli]") {
    std::string a(32, 'a');
    std::string b(32, 'b');
    CHECK(daemon_words("\"01\" is ambiguous; give more digits or the number: " + a +
                       " (alpine:3.20), " + b + " (x, y\n), …") ==
          "\"01\" is ambiguous; give more digits or the number:\n  " + a + " (alpine:3.20)\n  " +
              b + " (x, y\\n), …");
    CHECK(daemon_words("other: " + a + " (x)") == "other: " + a + " (x)");
    CHECK(daemon_words("is ambiguous: ") == "is ambiguous: ");
}

TEST_CASE("moments are told relative to now", "[cli]") {
    CHECK(relative_time(now + 3h, now) == "in 3h");
    CHECK(relative_time(now - 2min, now) == "2m ago");
    CHECK(relative_time(now + 400ms, now) == "now");
}

TEST_CASE("what strangers named can't drive the terminal", "[cli]") {
    CHECK(escape_text("a\x1b[2Jb\r\n\tc\x7f") == "a\\x1b[2Jb\\r\\n\\tc\\x7f");
    CHECK(escape_text("\xc2\x9b") == "\\x9b");  // CSI as one C1 character
    CHECK(escape_text("\xe2\x80\xae"
                      "evil") == "\\u202eevil");  // right-to-left override
    CHECK(escape_text("caf\xc3\xa9 \xff") == "caf\xc3\xa9 \\xff");
    CHECK(escape_text("a\\b") == "a\\b");
    CHECK(escape_field("a\\b\tc") == "a\\\\b\\tc");
}

TEST_CASE("text is cut between characters and by their width", "[cli]") {
    CHECK(fit_text("alpine", 6) == "alpine");
    CHECK(fit_text("alpine:3.20", 6) == "alpin…");
    CHECK(fit_text("日本語", 5) == "日本…");
    CHECK(fit_text("日本語", 4) == "日…");
    CHECK(fit_text("e\xcc\x81toile", 3) == "e\xcc\x81t…");
    CHECK(fit_text("x", 0).empty());
    CHECK(fit_middle("registry/path/image:1.2", 16) == "regis…/image:1.2");
    CHECK(fit_middle("日本語日本語", 6) == "…本語");
    CHECK(fit_middle("alpine", 6) == "alpine");
    CHECK(fit_middle("alpine:3", 1) == "…");
    CHECK(display_width("日本語…") == 7);
}

TEST_CASE("words are quoted so that a shell reads them back", "[cli]") {
    CHECK(quote_shell("alpine:3.20") == "alpine:3.20");
    CHECK(quote_shell("echo hi") == "'echo hi'");
    CHECK(quote_shell("it's") == "'it'\\''s'");
    CHECK(quote_shell("$(rm)") == "'$(rm)'");
    CHECK(quote_shell("").size() == 2);
}

TEST_CASE("a table fits its width and shrinks the name first", "[cli]") {
    Job job = make_job();
    job.job_name = "registry.example.org/a/very/long/path/to/an/image/that/does/not/fit:1.2.3";
    Table table(job_columns(), 80, false);
    std::string text = table.lines({job_row(job, now), job_row(make_failed_job(), now)});
    CHECK(text ==
          "NUMBER  NAME                                    STATUS     DUE    FINISHED  EXIT\n"
          "    42  registry.exa…e/that/does/not/fit:1.2.3  scheduled  in 3h  -            -\n"
          "    42  alpine:3.20                             failed     in 3h  in 3h1m      3\n");
    CHECK(table.lines({job_row(make_job(), now)}).find("NUMBER") == std::string::npos);
}

TEST_CASE("every line of a table is as narrow as the terminal", "[cli]") {
    Job job = make_failed_job();
    job.job_name = std::string(300, 'x');
    for (std::size_t width : {60U, 72U, 80U, 132U}) {
        std::string text = Table(job_columns(), width, false).lines({job_row(job, now)});
        std::string line = text.substr(text.find('\n') + 1);
        CHECK(display_width(line.substr(0, line.size() - 1)) <= width);
    }
}

TEST_CASE("colours add nothing that the words don't say", "[cli]") {
    Table coloured(job_columns(), 80, true);
    std::string text = coloured.lines({job_row(make_failed_job(), now)});
    CHECK(text.find("\033[31mfailed\033[0m") != std::string::npos);
    CHECK(paint("x", Colour::red, false) == "x");
}

TEST_CASE("a job in a pipe is nine fields between tabs", "[cli]") {
    CHECK(job_fields(make_job()) ==
          "42\t0197d2c0a5b37a1e8c00112233445566\talpine:3.20\tscheduled\t-\t2027-06-20T20:00:00."
          "000Z\t-\t-\t-\n");
    Job job = make_failed_job();
    job.job_name = "a\tb\nc";
    CHECK(job_fields(job) ==
          "42\t0197d2c0a5b37a1e8c00112233445566\ta\\tb\\nc\tfinished\tfailed\t2027-06-20T20:00:00."
          "000Z\t"
          "2027-06-20T20:01:30.000Z\t3\t-\n");
}

TEST_CASE("the due line names the daemon's zone", "[cli]") {
    CHECK(due_text(make_job(), "Europe/Lisbon", now) == "20-06-2027 20:00:00 Europe/Lisbon, in 3h");
}

TEST_CASE("show prints what is known and nothing else", "[cli]") {
    Job job = make_failed_job();
    job.error = "boom\x1b[0m";
    job.submitted_by = "uid:1000";
    JobSpec spec;
    spec.command = {"sh", "-c", "echo hi; exit 3"};
    spec.env = {{"TOKEN", "hidden"}};
    job.spec = spec;
    std::string text = job_details(job, now + 4h, false);
    CHECK(text.find("Job        42 (0197d2c0a5b37a1e8c00112233445566)\n") == 0);
    CHECK(text.find("Exit code  3\n") != std::string::npos);
    CHECK(text.find("Error      boom\\x1b[0m\n") != std::string::npos);
    CHECK(text.find("Submitted  20-06-2027 17:00:00 by uid:1000\n") != std::string::npos);
    CHECK(text.find("Finished   20-06-2027 20:01:30, 58m30s ago, ran for 1m30s\n") !=
          std::string::npos);
    CHECK(text.find("Command    sh -c 'echo hi; exit 3'\n") != std::string::npos);
    CHECK(text.find("Env        TOKEN=hidden\n") != std::string::npos);
    CHECK(text.find("Container") == std::string::npos);
    CHECK(text.find("Timeout") == std::string::npos);
}

TEST_CASE("show prints each field of a specification that is set", "[cli]") {
    Job job = make_job();
    JobSpec spec;
    spec.image = "i:1";
    spec.entrypoint = {"/bin/sh", "-x"};
    spec.workdir = "/data";
    spec.user = "1000:1000";
    spec.labels = {{"a", "b c"}, {"d", ""}};
    spec.hostname = "h";
    spec.memory = Size{std::uint64_t{512} << 20U};
    spec.cpus = Cpus{1'500'000'000};
    spec.pids_limit = 100;
    spec.shm_size = Size{1 << 20};
    spec.ulimits = {{"nofile", 1, 2}, {"core", 0, 0}};
    spec.timeout = Span{10min};
    spec.stop_grace = Span{30s};
    spec.priority = -5;
    spec.expires = Span{5min};
    spec.log_limit = Size{1 << 20};
    spec.retries.emplace().max = 3;
    spec.network = "none";
    spec.mounts = {{MountType::bind, "/a", "/b", true}, {MountType::volume, "v1", "/c", false}};
    spec.tmpfs = {{"/run", ""}, {"/tmp", "size=1m"}};
    spec.read_only = true;
    spec.cap_add = {"NET_ADMIN"};
    spec.cap_drop = {"ALL"};
    spec.security_opt = {"no-new-privileges", "seccomp={\"a\":1}"};
    spec.init = false;
    spec.gpus = Gpus{Gpus::all, {}};
    job.spec = spec;
    std::string text = job_details(job, now, false);
    INFO(text);
    CHECK(text.find("Image      i:1\n"
                    "Entrypoint /bin/sh -x\n"
                    "Workdir    /data\n"
                    "User       1000:1000\n"
                    "Labels     'a=b c' d=\n"
                    "Hostname   h\n"
                    "Memory     512MiB\n"
                    "CPUs       1.5\n"
                    "Pids limit 100\n"
                    "Shm size   1MiB\n"
                    "Ulimits    nofile=1:2 core=0\n"
                    "Timeout    10m\n"
                    "Stop grace 30s\n"
                    "Priority   -5\n"
                    "Expires    5m after it is due\n"
                    "Log limit  1MiB\n"
                    "Retries    3, 10s apart\n"
                    "Network    none\n"
                    "Mount      type=bind,source=/a,target=/b,readonly\n"
                    "Mount      type=volume,source=v1,target=/c\n"
                    "Tmpfs      /run\n"
                    "Tmpfs      /tmp:size=1m\n"
                    "Read-only  yes\n"
                    "Cap add    NET_ADMIN\n"
                    "Cap drop   ALL\n"
                    "Security   no-new-privileges 'seccomp={7 bytes}'\n"
                    "Init       no\n"
                    "GPUs       all\n") != std::string::npos);
}

TEST_CASE("each attempt of a job that was tried again has a line", "[cli]") {
    Job job = make_failed_job();
    Attempt first;
    first.finish_status = FinishStatus::timed_out;
    first.started_at = Instant{now - 1h};
    first.finished_at.at = now - 1h + 10s;
    first.exit_code = 137;
    first.error = "it ran longer";
    Attempt second;
    second.attempt = 2;
    second.finished_at.at = now - 30min;
    second.error = "no such image";
    job.attempts = {first, second};
    job.attempt = 3;
    std::string text = job_details(job, now, false);
    INFO(text);
    CHECK(text.find("Attempt    1: timed_out with exit code 137, ran for 10s, ended ") !=
          std::string::npos);
    CHECK(text.find(": it ran longer\nAttempt    2: failed, ended ") != std::string::npos);
    CHECK(text.find(": no such image\nAttempt    3\n") != std::string::npos);
    job.attempt = 2;
    CHECK(job_details(job, now, false).find("\nAttempt    2\n") == std::string::npos);
}

TEST_CASE("each outcome has its sentence", "[cli]") {
    Job job = make_failed_job();
    CHECK(outcome_sentence(job) == "job 42 failed with exit code 3");
    job.exit_code.reset();
    job.error = "no such image";
    CHECK(outcome_sentence(job) == "job 42 failed: no such image");
    job.finish_status = FinishStatus::timed_out;
    CHECK(outcome_sentence(job) == "job 42 timed out: no such image");
    job.error.reset();
    job.finish_status = FinishStatus::killed;
    CHECK(outcome_sentence(job) == "job 42 was killed");
    job.error = "killed by uid:1000";
    CHECK(outcome_sentence(job) == "job 42 was killed by uid:1000");
    job.error.reset();
    job.finish_status = FinishStatus::success;
    CHECK(outcome_sentence(job) == "job 42 succeeded");
    job.finish_status = FinishStatus::did_not_run;
    CHECK(outcome_sentence(job) == "job 42 did not run");
}

TEST_CASE("status names what is wrong first", "[cli]") {
    StatusResponse status;
    status.version = "0.1.0";
    status.reason = "no engine answers at /var/run/docker.sock";
    status.now = Instant{now};
    status.started_at = Instant{now - 2h};
    status.jobs = {{"scheduled", 3}, {"running", 1}, {"failed", 4}, {"lost", 0}};
    status.overdue = 2;
    status.pid = 7;
    status.socket = "/run/s.sock";
    status.listen = {"127.0.0.1:8888"};
    status.warnings = {"lingering is off"};
    std::string text = status_text(status, false);
    CHECK(text.find("Status     not ready: no engine answers at /var/run/docker.sock\n") == 0);
    CHECK(text.find("Daemon     schedulerd 0.1.0, pid 7, up 2h\n") != std::string::npos);
    CHECK(text.find("Jobs       3 scheduled, 1 running; 2 overdue\n") != std::string::npos);
    CHECK(text.find("Ended      4 failed\n") != std::string::npos);
    CHECK(text.find("Listens    /run/s.sock, 127.0.0.1:8888\n") != std::string::npos);
    CHECK(text.find("Warning    lingering is off\n") != std::string::npos);
    CHECK(text.find("Removed") == std::string::npos);
    status.purged = 1;
    CHECK(status_text(status, false).find("Removed    1 old job\n") != std::string::npos);
    status.purged = 2;
    CHECK(status_text(status, false).find("Removed    2 old jobs\n") != std::string::npos);
}

TEST_CASE("a late job shows how late it was, an overdue one that it is", "[cli]") {
    Job job = make_job();
    job.created_at.at = now - 1h;
    job.due_at.at = now - 5min;
    job.status = JobStatus::scheduled;
    job.lateness_ms = 300'000;
    CHECK(job_row(job, now)[2].text == "overdue");
    CHECK(job_details(job, now, false).find(", overdue\n") != std::string::npos);
    CHECK(job_fields(job).find("\tscheduled\t") != std::string::npos);
    CHECK(job_fields(job).ends_with("\t300000\n"));
    job.due_at.at = now;
    CHECK(job_row(job, now)[2].text == "scheduled");

    job.due_at.at = now - 10min;
    job.status = JobStatus::running;
    job.started_at = Instant{now - 5min};
    CHECK(job_details(job, now, false).find("5m late\n") != std::string::npos);
    job.lateness_ms = 999;
    CHECK(job_details(job, now, false).find("late\n") == std::string::npos);
}

TEST_CASE("a date in the past is late from the submission on", "[cli]") {
    Job job = make_job();
    job.created_at.at = now - 500ms;
    job.due_at.at = now - 24h * 365;
    job.lateness_ms = (now - job.due_at.at).count();
    CHECK(job_row(job, now)[2].text == "scheduled");
    CHECK(job_row(job, now + 1s)[2].text == "overdue");
    job.status = JobStatus::running;
    job.started_at = Instant{now};
    CHECK(job_details(job, now, false).find("late\n") == std::string::npos);
    *job.lateness_ms += 2500;
    CHECK(job_details(job, now, false).find("3s late\n") != std::string::npos);
}

TEST_CASE("verify lists what is wrong, and sums up last", "[cli]") {
    VerifyResponse result;
    result.message = "all is well: 3 jobs, 1 container and 2 files of output checked";
    result.well = true;
    CHECK(verify_text(result, false) == result.message + '\n');
    result.well = false;
    result.message = "not all is well";
    result.findings = {{"lost", "job 1 (a\nb) is lost", {}, 1, {}, {}}};
    result.left_out = 5;
    result.not_checked = {"containers: no engine"};
    result.late_for_a_reason = 2;
    CHECK(verify_text(result, false) ==
          "lost          job 1 (a\\nb) is lost\n"
          "5 more; --limit lists up to 1000\n"
          "not checked   containers: no engine\n"
          "2 late for a reason that is recorded; `schedctl why ID` tells it\n"
          "not all is well\n");
}

TEST_CASE("an error as JSON has the form of the daemon's", "[cli]") {
    CHECK(
        json_error({ErrorCode::job_not_found, "job with id \"x\" not found"}) ==
        R"({"code":-32004,"message":"job with id \"x\" not found","data":{"code":"job_not_found"}})");
}

TEST_CASE("an event is one line", "[cli]") {
    JobEvent event;
    event.number = 42;
    event.job_name = "a\nb";
    event.at = Instant{now};
    event.to = JobStatus::finished;
    event.finish_status = FinishStatus::failed;
    event.reason = "exit 3";
    CHECK(event_line(event) ==
          "2027-06-20T17:00:00.000Z\tjob 42\ta\\nb\tfinished\tfailed\texit 3\n");
    JobEvent reset;
    reset.reset = true;
    CHECK(event_line(reset) == "-\tearlier events are no longer kept\n");
}

}  // namespace scheduler
