#include "daemon/http/job_list.hpp"

#include <array>

#include "common/json.hpp"

namespace scheduler {
namespace {

constexpr std::array<std::string_view, 3> section_names{"running", "scheduled", "history"};

}  // namespace

JobSection section_of(const Job& job) {
    if (has_ended(job.status)) return JobSection::history;
    return job.status == JobStatus::running ? JobSection::running : JobSection::scheduled;
}

void JobListWriter::open(JobSection section) {
    while (opened_ <= static_cast<int>(section)) {
        text_ += opened_ == 0 ? "{" : "},";
        text_ += quote_json(section_names[static_cast<std::size_t>(opened_)]) + ":{";
        ++opened_;
        is_first_ = true;
    }
}

void JobListWriter::add(JobSection section, const Job& job) {
    open(section);
    if (!std::exchange(is_first_, false)) text_ += ',';
    text_ += '"' + job.id.to_string() + "\":" + encode(job);
}

void JobListWriter::finish() {
    open(JobSection::history);
    text_ += "}}";
}

}  // namespace scheduler
