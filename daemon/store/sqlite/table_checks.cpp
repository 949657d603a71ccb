#include "daemon/store/sqlite/table_checks.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace scheduler {
namespace {

std::vector<std::string> texts(Database& database, const std::string& sql) {
    std::vector<std::string> all;
    auto collect = [](void* to, int columns, char** values, char**) {
        if (columns > 0 && values[0] != nullptr)
            static_cast<std::vector<std::string>*>(to)->emplace_back(values[0]);
        return 0;
    };
    database.exec(sql.c_str(), collect, &all);
    return all;
}

CheckedTable::Index index_of(Database& database, const CheckedTable& table, std::string name) {
    CheckedTable::Index index{std::move(name), "1", ""};
    auto sql =
        texts(database, fmt::format("SELECT sql FROM sqlite_schema WHERE name = '{}'", index.name));
    constexpr std::string_view where = " WHERE ";
    if (!sql.empty())
        if (auto at = sql.front().rfind(where); at != std::string::npos)
            index.condition = sql.front().substr(at + where.size());
    std::vector<std::string> match;
    for (const std::string& column :
         texts(database,
               fmt::format("SELECT name FROM pragma_index_info('{}') WHERE name NOT NULL",
                           index.name)))
        match.push_back(fmt::format("i.\"{0}\" IS j.\"{0}\"", column));
    if (table.has_rowid) match.emplace_back("i.rowid = j.rowid");
    index.match = fmt::format("{}", fmt::join(match, " AND "));
    return index;
}

}  // namespace

std::vector<CheckedTable> checked_tables(Database& database) {
    std::vector<CheckedTable> tables;
    for (std::string& name :
         texts(database,
               "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
               "AND name NOT IN ('sqlite_schema', 'sqlite_sequence') ORDER BY name")) {
        CheckedTable table;
        table.name = std::move(name);
        auto columns =
            texts(database, fmt::format("SELECT name FROM pragma_table_info('{}')", table.name));
        for (const std::string& column : columns)
            table.columns_read += fmt::format("{}coalesce(length(CAST(\"{}\" AS BLOB)), 0)",
                                              table.columns_read.empty() ? "" : " + ",
                                              column);
        table.has_rowid =
            texts(database,
                  fmt::format("SELECT wr FROM pragma_table_list('{}') WHERE wr = 0", table.name))
                .size() == 1;
        if (table.has_rowid)
            table.key = "rowid";
        else
            table.key = fmt::format(
                "{}",
                fmt::join(texts(database,
                                fmt::format("SELECT '\"' || name || '\"' FROM "
                                            "pragma_table_info('{}') WHERE pk > 0 ORDER BY pk",
                                            table.name)),
                          ", "));
        // The index of a table without rowid's key is the table itself.
        for (std::string& index : texts(
                 database,
                 fmt::format("SELECT name FROM pragma_index_list('{}') WHERE origin != 'pk' OR {}",
                             table.name,
                             table.has_rowid ? 1 : 0)))
            table.indexes.push_back(index_of(database, table, std::move(index)));
        tables.push_back(std::move(table));
    }
    return tables;
}

std::optional<std::string> first_text(Database& database, const std::string& sql) {
    auto all = texts(database, sql);
    return all.empty() ? std::nullopt : std::optional(std::move(all.front()));
}

void check_beginnings(Database& database, const CheckedTable& table) {
    (void)texts(database, fmt::format("SELECT {} FROM {} LIMIT 1", table.columns_read, table.name));
    for (const auto& index : table.indexes)
        (void)texts(database,
                    fmt::format("SELECT 1 FROM {} INDEXED BY {} WHERE {} LIMIT 1",
                                table.name,
                                index.name,
                                index.condition));
}

std::optional<std::string> check_piece(Database& database,
                                       const CheckedTable& table,
                                       const std::string& after,
                                       std::int64_t rows_max) {
    std::vector<std::string> quoted;
    for (std::size_t at = 0; at < table.key.size();) {
        auto end = std::min(table.key.find(", ", at), table.key.size());
        quoted.push_back(fmt::format("quote({})", table.key.substr(at, end - at)));
        at = end + 2;
    }
    const std::string place = after.empty() ? "1" : fmt::format("({}) > ({})", table.key, after);
    auto keys = texts(database,
                      fmt::format("SELECT {} || substr({}, 1, 0) FROM {} WHERE {} ORDER BY {} "
                                  "LIMIT {}",
                                  fmt::join(quoted, " || ', ' || "),
                                  table.columns_read,
                                  table.name,
                                  place,
                                  table.key,
                                  rows_max));
    if (keys.empty()) return std::nullopt;
    for (const auto& index : table.indexes) {
        auto missing = first_text(
            database,
            fmt::format("SELECT count(*) FROM {0} AS j WHERE {1} AND ({2}) <= ({3}) AND ({4}) AND "
                        "NOT EXISTS (SELECT 1 FROM {0} AS i INDEXED BY {5} WHERE ({4}) AND {6})",
                        table.name,
                        place,
                        table.key,
                        keys.back(),
                        index.condition,
                        index.name,
                        index.match));
        if (missing != "0")
            throw SqliteError(SQLITE_CORRUPT,
                              fmt::format("{} rows of table {} are not in its index {}",
                                          missing.value_or("some"),
                                          table.name,
                                          index.name));
    }
    return keys.size() < static_cast<std::size_t>(rows_max) ? std::nullopt
                                                            : std::optional(keys.back());
}

}  // namespace scheduler
