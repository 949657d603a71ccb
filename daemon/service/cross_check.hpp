#pragma once
/// CrossCheck compares a job's row with what lies outside of the store: its container, the
/// dispatcher's care, its output on disk. These are read one after the other while jobs go on, so
/// what it says is a suspicion, to be looked at again (verification.hpp). Any thread; holds no
/// state.

#include <optional>

#include "common/requests/verify.hpp"
#include "daemon/dispatch/survey.hpp"
#include "daemon/spool/scan.hpp"
#include "daemon/spool/spool.hpp"
#include "daemon/store/store.hpp"

namespace scheduler {

class CrossCheck {
  public:
    using Suspicion = std::optional<Finding>;

    CrossCheck(Store& store, Spool& spool) : store_(store), spool_(spool) {}

    /// A container that the engine has. Errors of all: those of the store.
    [[nodiscard]] Result<Suspicion> container(const ContainerSummary& container,
                                              const Survey& survey) const;
    /// A row that is running, on the engine that was asked or on one that could not be.
    [[nodiscard]] Suspicion running(const JobRecord& record, const Survey& survey) const;
    /// A file of the spool.
    [[nodiscard]] Result<Suspicion> file(const SpoolFile& file, const Survey& survey) const;
    /// The files that an ended row's attempts left.
    [[nodiscard]] Suspicion output(const JobRecord& record) const;

  private:
    [[nodiscard]] Suspicion file_of_job(const SpoolFile& file,
                                        const Job& job,
                                        const Survey& survey) const;

    Store& store_;
    Spool& spool_;
};

}  // namespace scheduler
