/// Definitions: set, removed, read. A change is a new row with a revision of its own.

#include <fmt/format.h>

#include "common/json.hpp"
#include "daemon/store/sqlite/rows.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"

namespace scheduler {
namespace {

#define SCHEDULER_DEFINITION_COLUMNS "name, revision, updated_at, updated_by, spec"

Definition definition_from(const Query& row) {
    Definition definition;
    definition.name = row.text(0);
    definition.revision = row.integer(1);
    definition.updated_at.at = row.time(2);
    definition.updated_by = row.text(3);
    definition.spec = spec_from(row, 4);
    return definition;
}

std::optional<Definition> find_definition(Database& database, const std::string& name) {
    Query query =
        database.query("SELECT " SCHEDULER_DEFINITION_COLUMNS " FROM definition WHERE name = ?");
    query.bind(name);
    return query.step() ? std::optional(definition_from(query)) : std::nullopt;
}

std::int64_t count_definitions(Database& database) {
    Query query = database.query("SELECT count(*) FROM definition");
    return query.step() ? query.integer(0) : 0;
}

void remove_row(Database& database, std::int64_t revision) {
    database.query("DELETE FROM definition WHERE revision = ?").bind(revision).run();
}

Failure<Error> too_many() {
    return fail(ErrorCode::too_large,
                fmt::format("there are {} definitions, which is the most; remove some",
                            DefinitionLimits::definitions));
}

/// `count` is how many there are, and is kept so.
Result<SetDefinition> set_one(Database& database,
                              NamedSpec given,
                              const DefinitionChange& change,
                              std::int64_t& count) {
    auto before = find_definition(database, given.name);
    if (before)
        if (auto may = change.may_change(*before); !may) return fail(may.error());
    auto kept = keep_hidden_values(given.spec, before ? &before->spec : nullptr);
    if (!kept)
        return fail(kept.error().code,
                    fmt::format("definition {}: {}", given.name, kept.error().message));
    if (before && before->spec == given.spec) return SetDefinition{std::move(*before), false};
    if (before)
        remove_row(database, before->revision);
    else if (count >= DefinitionLimits::definitions)
        return too_many();
    else
        ++count;
    database.query("INSERT INTO definition(name, spec, updated_at, updated_by) VALUES(?, ?, ?, ?)")
        .bind(given.name)
        .bind(encode(given.spec))
        .bind(change.at)
        .bind(change.by)
        .run();
    return SetDefinition{{.name = std::move(given.name),
                          .revision = database.last_insert_rowid(),
                          .updated_at = {change.at},
                          .updated_by = change.by,
                          .spec = std::move(given.spec)}};
}

}  // namespace

void SqliteStore::set_definitions(std::vector<NamedSpec> definitions,
                                  DefinitionChange change,
                                  Reply<std::vector<SetDefinition>> reply) {
    may_have_definitions_ = true;
    writer_.submit<std::vector<SetDefinition>>(
        [definitions = std::move(definitions),
         change = std::move(change)](WriteContext& context) -> Result<std::vector<SetDefinition>> {
            std::vector<SetDefinition> all;
            std::int64_t count = count_definitions(context.database);
            for (const NamedSpec& given : definitions) {
                auto one = set_one(context.database, given, change, count);
                if (!one) return fail(one.error());
                all.push_back(std::move(*one));
            }
            return all;
        },
        std::move(reply));
}

void SqliteStore::remove_definition(std::string name, DefinitionChange change, Reply<Done> reply) {
    writer_.submit<Done>(
        [name = std::move(name),
         change = std::move(change)](WriteContext& context) -> Result<Done> {
            auto before = find_definition(context.database, name);
            if (!before) return fail(definition_not_found(name));
            if (auto may = change.may_change(*before); !may) return may;
            remove_row(context.database, before->revision);
            return Done{};
        },
        std::move(reply));
}

Result<std::optional<Definition>> SqliteStore::definition(const std::string& name) {
    if (!may_have_definitions_) return std::optional<Definition>();
    return readers_.run([&](Database& database) -> Result<std::optional<Definition>> {
        return find_definition(database, name);
    });
}

Result<DefinitionPage> SqliteStore::definitions(const std::string& after,
                                                std::int64_t limit,
                                                std::size_t bytes_max) {
    return readers_.run([&](Database& database) -> Result<DefinitionPage> {
        Query query = database.query("SELECT " SCHEDULER_DEFINITION_COLUMNS
                                     " FROM definition WHERE name > ? ORDER BY name LIMIT ?");
        query.bind(after).bind(limit + 1);
        DefinitionPage page;
        std::size_t bytes = 0;
        while (query.step()) {
            bool is_full = static_cast<std::int64_t>(page.definitions.size()) == limit ||
                           (bytes >= bytes_max && !page.definitions.empty());
            if (is_full) {
                page.has_more = true;
                break;
            }
            bytes += query.text(4).size();
            page.definitions.push_back(definition_from(query));
        }
        return page;
    });
}

}  // namespace scheduler
