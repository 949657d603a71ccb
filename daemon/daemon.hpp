#pragma once
/// Daemon owns the parts, and starts and stops them in order:
///
///   state directory ▸ store ▸ listeners ▸ engine ▸ dispatcher ▸ service ▸ front ends ▸ `ready`
///
/// and back: accept no more, finish what is being committed, leave containers running, and end the
/// threads before what they may still call. Lives on the main thread, which is the core.

#include <memory>

#include "common/result.hpp"
#include "daemon/base/unique_function.hpp"
#include "daemon/options.hpp"

namespace scheduler {

class Daemon {
  public:
    /// `reload` reads the options again (SIGHUP). Errors: one sentence that names what is in the
    /// way and the remedy; the program exits 1.
    static Result<std::unique_ptr<Daemon>> open(Options options,
                                                UniqueFunction<Result<Options>()> reload);
    ~Daemon();

    /// Looks for damage in the database of the state directory, also while a daemon runs; a
    /// sentence. Errors: internal, the sentence that names the damage.
    static Result<std::string> check_database(const Options& options);

    /// Serves until SIGTERM, SIGINT or a failed disk; the exit code.
    int run();

  private:
    struct Parts;
    explicit Daemon(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace scheduler
