#include "cli/commands.hpp"

#include <array>

namespace scheduler {
namespace {

using enum CommandGroup;

constexpr std::array command_rows{
    CommandRow{"add",
               jobs,
               "NAME (--in TIME | --at MOMENT | --now) [OPTION…] [-- CMD…]",
               "submit a job: one run of an image at one moment",
               make_add},
    CommandRow{"ls", jobs, "[OPTION…]", "list jobs: running, scheduled, history", make_ls},
    CommandRow{"show", jobs, "ID… [OPTION…]", "print all that is known of jobs", make_show},
    CommandRow{"rm", jobs, "[-f] ID…", "take scheduled jobs back", make_rm},
    CommandRow{"run", jobs, "ID…", "run scheduled jobs now", make_run},
    CommandRow{"edit",
               jobs,
               "ID [--in TIME | --at MOMENT] [OPTION…] [-- CMD…]",
               "change a scheduled job",
               make_edit},
    CommandRow{"hold", jobs, "ID…", "keep scheduled jobs from starting", make_hold},
    CommandRow{"release", jobs, "ID…", "let held jobs go", make_release},
    CommandRow{"kill", jobs, "[OPTION…] ID…", "stop running jobs", make_kill},
    CommandRow{"def set",
               jobs,
               "NAME --image IMAGE [OPTION…] [-- CMD…]",
               "make a definition, or replace it as a whole",
               make_def_set},
    CommandRow{"def ls", jobs, "[OPTION…]", "list definitions", make_def_ls},
    CommandRow{"def show", jobs, "NAME…", "print all that is known of definitions", make_def_show},
    CommandRow{"def rm", jobs, "NAME…", "remove definitions; their jobs stay", make_def_rm},
    CommandRow{"def export", jobs, "[NAME…]", "print definitions as JSON", make_def_export},
    CommandRow{"def import",
               jobs,
               "FILE",
               "set all definitions of such a file (-: standard input), or none",
               make_def_import},
    CommandRow{"group set",
               jobs,
               "NAME --max N",
               "run at most so many of a group's jobs at once",
               make_group_set},
    CommandRow{"group ls", jobs, "[OPTION…]", "list the groups that were set", make_group_ls},
    CommandRow{"group show", jobs, "NAME…", "print all that is known of groups", make_group_show},
    CommandRow{"group rm", jobs, "NAME…", "take groups' limits away", make_group_rm},
    CommandRow{"group pause",
               jobs,
               "[--for TIME] NAME…",
               "start no more jobs of groups for now",
               make_group_pause},
    CommandRow{"group resume", jobs, "NAME…", "start due jobs of groups again", make_group_resume},
    CommandRow{"logs", outcome, "[OPTION…] (ID | --name NAME)", "print a job's output", make_logs},
    CommandRow{
        "wait", outcome, "[--for TIME] ID…", "wait for jobs and exit with their code", make_wait},
    CommandRow{"why", outcome, "ID", "say what a job waits for, or why it ended so", make_why},
    CommandRow{"events", outcome, "[ID]", "print what happens to jobs, as it happens", make_events},
    CommandRow{"pause", daemon, "[--for TIME]", "start no more jobs for now", make_pause},
    CommandRow{"resume", daemon, "", "start due jobs again", make_resume},
    CommandRow{"prune", daemon, "[OPTION…]", "remove old jobs and output now", make_prune},
    CommandRow{"status", daemon, "", "say how the daemon is", make_status},
    CommandRow{"verify",
               daemon,
               "[OPTION…]",
               "check that nothing was lost, doubled, early or late",
               make_verify},
    CommandRow{"backup", daemon, "FILE", "copy the database into a new file", make_backup},
};

}  // namespace

std::span<const CommandRow> all_commands() {
    return command_rows;
}

}  // namespace scheduler
