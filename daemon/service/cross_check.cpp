#include "daemon/service/cross_check.hpp"

#include <fmt/format.h>

#include "daemon/dispatch/names.hpp"
#include "daemon/service/audit.hpp"

namespace scheduler {
namespace {

constexpr std::size_t short_id = 12;  // as docker prints it

std::string label_of(const ContainerSummary& container, const char* label) {
    auto found = container.labels.find(label);
    return found == container.labels.end() ? std::string() : found->second;
}

Finding about(Finding finding, const ContainerSummary& container) {
    finding.container_id = container.id;
    return finding;
}

Finding about(Finding finding, const SpoolFile& file) {
    finding.file = file.path.native();
    return finding;
}

CrossCheck::Suspicion against_row(const ContainerSummary& container,
                                  const Job& job,
                                  bool is_in_care) {
    const std::string name = container.id.substr(0, short_id);
    const char* state = container.is_running ? "runs" : "is still there";
    auto attempt = attempt_of(container.labels);
    auto current = job.attempt.value_or(0);
    if (attempt > current)
        return about(finding_of(FindingKind::early,
                                job,
                                fmt::format("has a container {} of attempt {}, which was not "
                                            "claimed yet",
                                            name,
                                            attempt)),
                     container);
    if (job.status == JobStatus::running && attempt == current) {
        if (!job.container_id || *job.container_id == container.id) return std::nullopt;
        return about(finding_of(FindingKind::doubled,
                                job,
                                fmt::format("has a second container {} for attempt {}, besides {}",
                                            name,
                                            attempt,
                                            job.container_id->substr(0, short_id))),
                     container);
    }
    if (!has_ended(job.status) && container.is_running)
        return about(finding_of(FindingKind::doubled,
                                job,
                                fmt::format("is at attempt {}, and its container {} of attempt {} "
                                            "runs as well",
                                            current,
                                            name,
                                            attempt)),
                     container);
    if (is_in_care) return std::nullopt;  // its outcome is committed, and it is being removed
    return about(finding_of(FindingKind::orphaned,
                            job,
                            fmt::format("{}, and its container {} of attempt {} {}",
                                        has_ended(job.status) ? "has ended" : "waits to be retried",
                                        name,
                                        attempt,
                                        state)),
                 container);
}

}  // namespace

Result<CrossCheck::Suspicion> CrossCheck::container(const ContainerSummary& container,
                                                    const Survey& survey) const {
    auto id = JobId::parse(label_of(container, job_label));
    auto record = id ? store_.record(*id) : Result(std::optional<JobRecord>());
    if (!record) return fail(record.error());
    if (!*record)
        return Suspicion(about(
            finding_of(FindingKind::orphaned,
                       fmt::format("the container {} ({}) has this daemon's label, and there is no "
                                   "such job",
                                   container.id.substr(0, short_id),
                                   container.name)),
            container));
    if (!(*record)->damage.empty()) return Suspicion();  // told by the audit
    return against_row(container, (*record)->job, survey.in_care.count(*id) > 0);
}

CrossCheck::Suspicion CrossCheck::running(const JobRecord& record, const Survey& survey) const {
    const Job& job = record.job;
    if (job.status != JobStatus::running) return std::nullopt;
    if (survey.in_care.count(job.id) == 0)
        return finding_of(FindingKind::lost, job, "is running, and nobody brings it to its end");
    bool was_asked = survey.unreachable.empty() && record.engine_id == survey.engine_id;
    if (!was_asked || !job.container_id) return std::nullopt;
    if (survey.container_ids.count(*job.container_id) > 0) return std::nullopt;
    Finding finding = finding_of(FindingKind::lost,
                                 job,
                                 fmt::format("is running, and the engine does not have its "
                                             "container {}",
                                             job.container_id->substr(0, short_id)));
    finding.container_id = job.container_id;
    return finding;
}

Result<CrossCheck::Suspicion> CrossCheck::file(const SpoolFile& file, const Survey& survey) const {
    auto is_there = [&] {
        std::error_code ignored;
        return std::filesystem::exists(file.path, ignored);
    };
    if (file.kind == SpoolFile::Kind::unknown) {
        if (!is_there()) return Suspicion();
        return Suspicion(
            about(finding_of(FindingKind::orphaned,
                             fmt::format("the file {} is no output of a job", file.path.native())),
                  file));
    }
    auto record = store_.record(file.job);
    if (!record) return fail(record.error());
    // Removed as over a limit, or with its job: the file goes after the row.
    auto removed = store_.is_being_removed(file.job);
    if (!removed) return fail(removed.error());
    if (*removed) return Suspicion();
    Suspicion suspicion;
    if (!*record)
        suspicion = about(finding_of(FindingKind::orphaned,
                                     fmt::format("the file {} is output of a job that is not there",
                                                 file.path.native())),
                          file);
    else if ((*record)->damage.empty())
        suspicion = file_of_job(file, (*record)->job, survey);
    // Read after the row: an outcome is committed when the copies are gone.
    return suspicion && is_there() ? suspicion : Suspicion();
}

CrossCheck::Suspicion CrossCheck::file_of_job(const SpoolFile& file,
                                              const Job& job,
                                              const Survey& survey) const {
    auto current = job.attempt.value_or(0);
    if (file.attempt > current)
        return about(
            finding_of(FindingKind::early,
                       job,
                       fmt::format("has output {} of attempt {}, which was not claimed yet",
                                   file.path.native(),
                                   file.attempt)),
            file);
    bool is_over =
        has_ended(job.status) || job.status == JobStatus::scheduled || file.attempt < current;
    bool is_copy = file.kind == SpoolFile::Kind::copy || file.kind == SpoolFile::Kind::part;
    if (!is_copy || !is_over || survey.in_care.count(job.id) > 0) return std::nullopt;
    // A container that was removed under a job leaves what was followed: that is its output then.
    if (file.kind == SpoolFile::Kind::part && !spool_.has_final_file(job.id, file.attempt))
        return std::nullopt;
    return about(finding_of(FindingKind::orphaned,
                            job,
                            fmt::format("has ended attempt {}, and left an unfinished copy of its "
                                        "output, {}",
                                        file.attempt,
                                        file.path.native())),
                 file);
}

CrossCheck::Suspicion CrossCheck::output(const JobRecord& record) const {
    if (record.job.output_removed_at) return std::nullopt;
    for (int attempt : attempts_with_output(record))
        if (!spool_.has_final_file(record.job.id, attempt))
            return finding_of(
                FindingKind::lost,
                record.job,
                fmt::format("ran, and its output of attempt {} is not there", attempt));
    if (!record.output_bytes) return std::nullopt;
    std::int64_t bytes = 0;
    for (int attempt : attempts_with_output(record))
        bytes += static_cast<std::int64_t>(spool_.bytes_stored(record.job.id, attempt));
    if (bytes == *record.output_bytes) return std::nullopt;
    return finding_of(
        bytes < *record.output_bytes ? FindingKind::lost : FindingKind::inconsistent,
        record.job,
        fmt::format(
            "stored {} bytes as its output, and {} are there", *record.output_bytes, bytes));
}

}  // namespace scheduler
