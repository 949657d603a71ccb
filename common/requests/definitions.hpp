#pragma once
/// The operations on definitions.

#include <optional>
#include <string>
#include <vector>

#include "common/definition.hpp"
#include "common/requests/message.hpp"

namespace scheduler {

struct DefSetResponse {
    std::string message;
    Definition definition;
    static void fields(auto& self, auto& visit) {
        visit("message", self.message, "one sentence for a person");
        visit("definition", self.definition, "as it is now");
    }
};

/// Makes a definition, or replaces it as a whole; one that is the same already keeps its revision.
/// An environment value `hidden` keeps the one that is there.
/// Errors: bad_field, too_large, forbidden, disk_full.
struct DefSetRequest {
    using Response = DefSetResponse;
    static constexpr std::string_view method = "def_set";
    static constexpr bool is_setting = true;

    std::string name;
    JobSpec spec;
    static void fields(auto& self, auto& visit) {
        visit("name", self.name, "the definition's name");
        JobSpec::fields(self.spec, visit);
    }
};

struct DefImportResponse {
    std::string message;
    std::vector<Definition> definitions;
    static void fields(auto& self, auto& visit) {
        visit("message", self.message, "one sentence for a person");
        visit.with_default("definitions", self.definitions, "as they are now, in the order given");
    }
};

/// Sets several definitions, all or none. Errors: those of def_set, naming the first at fault.
struct DefImportRequest {
    using Response = DefImportResponse;
    static constexpr std::string_view method = "def_import";
    static constexpr bool is_setting = true;

    std::vector<NamedSpec> definitions;
    static void fields(auto& self, auto& visit) {
        visit("definitions", self.definitions, "the definitions, at most 1000");
    }
};

/// One definition. Errors: not_found.
struct DefShowRequest {
    using Response = Definition;
    static constexpr std::string_view method = "def_show";
    std::string name;
    static void fields(auto& self, auto& visit) {
        visit("name", self.name, "the definition's name");
    }
};

struct DefListResponse {
    std::vector<Definition> definitions;
    std::optional<std::string> next;  ///< pass as `after`; absent on the last page
    static void fields(auto& self, auto& visit) {
        visit.with_default("definitions", self.definitions, "in the order of their names");
        visit("next", self.next, "pass as after for the next page; absent on the last one");
    }
};

/// Lists definitions in pages, by name. A page of large ones ends before its limit.
/// Errors: bad_field.
struct DefListRequest {
    using Response = DefListResponse;
    static constexpr std::string_view method = "def_list";
    static constexpr std::int64_t limit_default = 100;
    static constexpr std::int64_t limit_max = 1000;

    std::optional<std::int64_t> limit;
    std::optional<std::string> after;
    static void fields(auto& self, auto& visit) {
        visit("limit", self.limit, "definitions a page, 1 to 1000 (100)");
        visit("after", self.after, "the last name of the page before");
    }
};

/// Removes a definition; jobs that were made from it keep what they copied.
/// Errors: not_found, forbidden.
struct DefRemoveRequest {
    using Response = MessageResponse;
    static constexpr std::string_view method = "def_remove";
    static constexpr bool is_setting = true;
    std::string name;
    static void fields(auto& self, auto& visit) {
        visit("name", self.name, "the definition's name");
    }
};

}  // namespace scheduler
