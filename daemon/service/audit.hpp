#pragma once
/// What a job's own record must be like: fields, events and attempts agree, no claim came too early
/// or too often, and none late without a reason. Pure functions of one record, which was read at
/// one moment, so what they say needs no second look.

#include <optional>
#include <string>
#include <vector>

#include "common/requests/verify.hpp"
#include "daemon/store/store.hpp"

namespace scheduler {

/// `job 42 (alpine:3.20)`
std::string job_words(const Job& job);

Finding finding_of(FindingKind kind, std::string message);
/// Names the job in its fields; `what` follows the words "job 42 (alpine) ".
Finding finding_of(FindingKind kind, const Job& job, const std::string& what);

/// What is wrong with the record by itself.
std::vector<Finding> audit(const JobRecord& record);

enum class Punctuality {
    punctual,
    early,
    late,
    late_for_a_reason,  ///< the claim's event says which
    overdue,            ///< due for longer than `late`, and not claimed yet
};
/// `late`: how long after its due time a job is late.
Punctuality punctuality(const JobRecord& record, TimePoint now, Duration late);
/// The finding that an early, late or overdue job is.
Finding unpunctual(const JobRecord& record, Punctuality how, TimePoint now);

/// What the store's counters count it as at the time of event `seq`; nothing when it was not there
/// yet.
std::optional<std::string> counted_at(const JobRecord& record, std::int64_t seq);

/// Null: there is none among the transitions that were read.
const Transition* last_claim(const JobRecord& record);

/// Attempts that ran to an end of their own, whose output was stored before their outcome was.
std::vector<int> attempts_with_output(const JobRecord& record);

}  // namespace scheduler
