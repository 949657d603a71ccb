#pragma once
/// Jobs and definitions in words and columns. Pure functions of these, the time and the layout.

#include <string>
#include <vector>

#include "cli/output/table.hpp"
#include "common/definition.hpp"
#include "common/group.hpp"
#include "common/job.hpp"
#include "common/requests/add.hpp"
#include "common/requests/subscribe.hpp"

namespace scheduler {

/// `scheduled`, `running`, or how it ended.
std::string status_word(const Job& job);

/// The columns of `ls` on a terminal, and a job's row of them.
std::vector<Column> job_columns();
Row job_row(const Job& job, TimePoint now);

/// `number id job_name status finish_status due_at finished_at exit_code` between tabs, with a
/// newline; `-` for none. Columns are only ever added, at the end.
std::string job_fields(const Job& job);

/// `20-06-2027 20:00:00 Europe/Lisbon, in 3h`: in the daemon's zone, as it says both.
std::string due_text(const Job& job, std::string_view zone, TimePoint now);

/// The block of `show`, with its last newline.
std::string job_details(const Job& job, TimePoint now, bool colour);

/// The same for definitions: the columns of `def ls`, `name revision updated_at updated_by image`
/// between tabs, and the block of `def show`.
std::vector<Column> definition_columns();
Row definition_row(const Definition& definition, TimePoint now);
std::string definition_fields(const Definition& definition);
std::string definition_details(const Definition& definition, TimePoint now);

/// The same for groups; the fields are `name max_running running waiting paused`.
std::vector<Column> group_columns();
Row group_row(const Group& group, TimePoint now);
std::string group_fields(const Group& group);
std::string group_details(const Group& group, TimePoint now);

/// How it ended, in a sentence: `job 42 failed with exit code 3`.
std::string outcome_sentence(const Job& job);

/// One line of `events`, with its newline.
std::string event_line(const JobEvent& event);

}  // namespace scheduler
