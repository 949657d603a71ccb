#pragma once
/// StatementCount: what SQLite was asked to do, without a clock. It sees the connections that are
/// opened while it lives, in one thread, and counts the statements that run to their end, and the
/// steps of SQLite's machine (sqlite.org/c3ref: SQLITE_STMTSTATUS_VM_STEP).

#include <cstdint>

#include <catch2/catch.hpp>
#include <sqlite3.h>

namespace scheduler::test {

class StatementCount {
  public:
    StatementCount() {
        REQUIRE(sqlite3_auto_extension(entry_point()) == SQLITE_OK);
        reset();
    }
    ~StatementCount() { (void)sqlite3_cancel_auto_extension(entry_point()); }
    StatementCount(const StatementCount&) = delete;
    StatementCount& operator=(const StatementCount&) = delete;

    static void reset() { counted() = {}; }
    [[nodiscard]] static std::int64_t steps() { return counted().steps; }
    [[nodiscard]] static std::int64_t statements() { return counted().statements; }

  private:
    struct Counts {
        std::int64_t steps = 0, statements = 0;
    };
    static Counts& counted() {
        static Counts counts;
        return counts;
    }
    static int add(unsigned, void*, void* statement, void*) {
        ++counted().statements;
        counted().steps += sqlite3_stmt_status(
            static_cast<sqlite3_stmt*>(statement), SQLITE_STMTSTATUS_VM_STEP, 1);
        return 0;
    }
    static int watch(sqlite3* database, const char**, const sqlite3_api_routines*) {
        return sqlite3_trace_v2(database, SQLITE_TRACE_PROFILE, add, nullptr);
    }
    static void (*entry_point())() { return reinterpret_cast<void (*)()>(watch); }
};

}  // namespace scheduler::test
