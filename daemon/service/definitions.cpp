/// def_set, def_import, def_show, def_list, def_remove: the named specifications.

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "common/name.hpp"
#include "daemon/service/limit_of.hpp"
#include "daemon/service/rights.hpp"
#include "daemon/service/service_parts.hpp"

namespace scheduler {
namespace {

/// A page of definitions ends once their specifications have so many bytes: one may have 256 KiB.
constexpr std::size_t page_bytes_max = std::size_t{1024} * 1024;

Definition shown(Definition definition) {
    definition.spec = hide_values(std::move(definition.spec));
    return definition;
}

Result<Done> check(const std::string& name, const JobSpec& spec, const Caller& caller) {
    if (auto ok = check_name("definition", name); !ok) return ok;
    if (!spec.image)
        return fail(ErrorCode::bad_field,
                    fmt::format("image is missing: say which image definition {} runs", name));
    if (auto ok = check_spec(spec); !ok) return ok;
    if (auto image = usable_image(*spec.image); !image) return fail(image.error());
    return check_rights(spec, caller);
}

DefinitionChange change_by(const Caller& caller, TimePoint now) {
    return {now, caller.name, [caller](const Definition& before) {
                return check_owner(before.updated_by, "definition " + before.name, caller);
            }};
}

DefSetResponse answer(SetDefinition set) {
    return {fmt::format("definition {} {}, revision {}",
                        set.definition.name,
                        set.is_changed ? "is set" : "is as it was",
                        set.definition.revision),
            shown(std::move(set.definition))};
}

DefImportResponse answer_import(std::vector<SetDefinition> all) {
    DefImportResponse response;
    auto changed = std::count_if(
        all.begin(), all.end(), [](const SetDefinition& one) { return one.is_changed; });
    response.message = fmt::format("{} definition{} set, {} as before",
                                   changed,
                                   changed == 1 ? "" : "s",
                                   static_cast<std::int64_t>(all.size()) - changed);
    for (SetDefinition& one : all)
        response.definitions.push_back(shown(std::move(one.definition)));
    return response;
}

}  // namespace

void Service::handle(const DefSetRequest& request,
                     const Caller& caller,
                     Reply<DefSetResponse> reply) {
    if (auto ok = check(request.name, request.spec, caller); !ok) return reply(fail(ok.error()));
    parts_->store.set_definitions(
        {{request.name, request.spec}},
        change_by(caller, parts_->clock.now()),
        [reply = std::move(reply)](Result<std::vector<SetDefinition>> set) mutable {
            if (!set) return reply(fail(set.error()));
            reply(answer(std::move(set->front())));
        });
}

void Service::handle(const DefImportRequest& request,
                     const Caller& caller,
                     Reply<DefImportResponse> reply) {
    if (request.definitions.empty() || request.definitions.size() > DefinitionLimits::imported)
        return reply(fail(ErrorCode::bad_field,
                          fmt::format("definitions holds {}, and takes 1 to {}; set them in parts",
                                      request.definitions.size(),
                                      DefinitionLimits::imported)));
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < request.definitions.size(); ++i) {
        const auto& [name, spec] = request.definitions[i];
        auto ok = check(name, spec, caller);
        if (ok && !names.insert(name).second)
            ok = fail(ErrorCode::bad_field, fmt::format("{} is there twice", name));
        if (!ok)
            return reply(
                fail(ok.error().code,
                     fmt::format("definitions[{}]: {}; none was set", i, ok.error().message)));
    }
    parts_->store.set_definitions(
        request.definitions,
        change_by(caller, parts_->clock.now()),
        [reply = std::move(reply)](Result<std::vector<SetDefinition>> set) mutable {
            if (!set) return reply(fail(set.error().code, set.error().message + "; none was set"));
            reply(answer_import(std::move(*set)));
        });
}

void Service::handle(const DefRemoveRequest& request,
                     const Caller& caller,
                     Reply<MessageResponse> reply) {
    parts_->store.remove_definition(
        request.name,
        change_by(caller, parts_->clock.now()),
        [name = request.name, reply = std::move(reply)](Result<Done> done) mutable {
            if (!done) return reply(fail(done.error()));
            reply(MessageResponse{fmt::format("definition {} was removed", name)});
        });
}

Result<Definition> Service::handle(const DefShowRequest& request, const Caller&) {
    auto found = parts_->store.definition(request.name);
    if (!found) return fail(found.error());
    if (!*found) return fail(definition_not_found(request.name));
    return shown(std::move(**found));
}

Result<DefListResponse> Service::handle(const DefListRequest& request, const Caller&) {
    auto limit = limit_of(request);
    if (!limit) return fail(limit.error());
    auto page = parts_->store.definitions(request.after.value_or(""), *limit, page_bytes_max);
    if (!page) return fail(page.error());
    DefListResponse response;
    if (page->has_more) response.next = page->definitions.back().name;
    for (Definition& definition : page->definitions)
        response.definitions.push_back(shown(std::move(definition)));
    return response;
}

}  // namespace scheduler
