#pragma once
/// Snapshot: a read transaction over several statements, which see one consistent picture. Short,
/// since the WAL can't be reset meanwhile. Lives on the connection's thread.

#include "daemon/store/sqlite/database.hpp"

namespace scheduler {

class Snapshot {
  public:
    explicit Snapshot(Database& database) : database_(database) { database_.exec("BEGIN"); }
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;
    ~Snapshot() {
        try {
            database_.exec("COMMIT");
        } catch (const SqliteError&) {  // a read transaction that failed is over
        }
    }

  private:
    Database& database_;
};

}  // namespace scheduler
