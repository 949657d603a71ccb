#pragma once
/// SQL that looks at tables and indexes of whatever schema the database has, made from
/// sqlite_schema. Throws SqliteError. One thread at a time.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/store/sqlite/database.hpp"

namespace scheduler {

struct CheckedTable {
    std::string name;
    std::string columns_read;  ///< an expression that reads every column
    std::string key;           ///< what orders its rows: `rowid`, or the columns of its key
    bool has_rowid = true;
    struct Index {
        std::string name;
        std::string condition;  ///< of a partial index, `1` of another
        std::string match;      ///< the same entry in `i` as the row in `j`
    };
    std::vector<Index> indexes;
};

std::vector<CheckedTable> checked_tables(Database& database);

/// The first column of the first row as text; nothing where there is no row, or it is NULL.
std::optional<std::string> first_text(Database& database, const std::string& sql);

/// Reads one row of the table and one entry of each index.
void check_beginnings(Database& database, const CheckedTable& table);

/// Reads whole up to `rows_max` rows behind `after` (as SQL; empty: from the first one), and looks
/// each of them up in every index. The last row's key, nothing at the end.
std::optional<std::string> check_piece(Database& database,
                                       const CheckedTable& table,
                                       const std::string& after,
                                       std::int64_t rows_max);

}  // namespace scheduler
