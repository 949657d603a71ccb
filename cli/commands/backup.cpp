#include "common/requests/backup.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/one_call.hpp"

namespace scheduler {
namespace {

class BackupCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.words({.metavar = "FILE",
                       .count_min = 1,
                       .count_max = 1,
                       .completes = Completes::file,
                       .target = &files_});
    }

    int run(Context& context) override {
        // The daemon has a working directory of its own.
        std::error_code error;
        auto file = std::filesystem::absolute(files_.front(), error).lexically_normal();
        if (error) {
            context.console.report(Error{ErrorCode::bad_field,
                                         fmt::format("\"{}\" can't be made an absolute path: {}",
                                                     escape_text(files_.front()),
                                                     error.message())});
            return exit_refused;
        }
        return call_and_confirm(context, BackupRequest{file.native()}, [&](const BackupResponse&) {
            return check_seen(context, file);
        });
    }

  private:
    static ExitCode check_seen(Context& context, const std::filesystem::path& file) {
        std::error_code error;
        if (std::filesystem::exists(file, error) || error) return exit_done;
        context.console.report(Error{
            ErrorCode::internal,
            fmt::format("{} is not to be seen here: the daemon has directories of its own, as "
                        "under systemd with PrivateTmp=; give a path in the backups of its state "
                        "directory",
                        escape_text(file.native()))});
        return exit_refused;
    }

    std::vector<std::string> files_;
};

}  // namespace

std::unique_ptr<Command> make_backup() {
    return std::make_unique<BackupCommand>();
}

}  // namespace scheduler
