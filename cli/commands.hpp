#pragma once
/// The list of subcommands, in the order of `schedctl --help`: one row each, one file each (or one
/// a family) in commands/. A new one needs its file, its row in commands.cpp and its place in
/// schedctl(1).

#include <memory>
#include <span>

#include "cli/command.hpp"

namespace scheduler {

std::unique_ptr<Command> make_add();
std::unique_ptr<Command> make_ls();
std::unique_ptr<Command> make_show();
std::unique_ptr<Command> make_rm();
std::unique_ptr<Command> make_run();
std::unique_ptr<Command> make_edit();
std::unique_ptr<Command> make_hold();
std::unique_ptr<Command> make_release();
std::unique_ptr<Command> make_kill();
std::unique_ptr<Command> make_logs();
std::unique_ptr<Command> make_wait();
std::unique_ptr<Command> make_why();
std::unique_ptr<Command> make_events();
std::unique_ptr<Command> make_pause();
std::unique_ptr<Command> make_prune();
std::unique_ptr<Command> make_resume();
std::unique_ptr<Command> make_status();
std::unique_ptr<Command> make_verify();
std::unique_ptr<Command> make_backup();
std::unique_ptr<Command> make_def_set();
std::unique_ptr<Command> make_def_ls();
std::unique_ptr<Command> make_def_show();
std::unique_ptr<Command> make_def_rm();
std::unique_ptr<Command> make_def_export();
std::unique_ptr<Command> make_def_import();
std::unique_ptr<Command> make_group_set();
std::unique_ptr<Command> make_group_ls();
std::unique_ptr<Command> make_group_show();
std::unique_ptr<Command> make_group_rm();
std::unique_ptr<Command> make_group_pause();
std::unique_ptr<Command> make_group_resume();

std::span<const CommandRow> all_commands();

}  // namespace scheduler
