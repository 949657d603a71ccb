/// group_set, group_show, group_list, group_remove, group_pause, group_resume.

#include <fmt/format.h>

#include "common/local_time.hpp"
#include "common/name.hpp"
#include "daemon/service/limit_of.hpp"
#include "daemon/service/service_parts.hpp"

namespace scheduler {
namespace {

std::string words_of(const Group& group) {
    std::string limit = group.max_running ? fmt::format("runs {} at once", *group.max_running)
                                          : "has no limit of its own";
    if (group.paused_until)
        limit += fmt::format(", and is paused until {}", to_local_date(group.paused_until->at));
    else if (group.paused)
        limit += ", and is paused until `group resume`";
    return fmt::format("group {} {}", group.name, limit);
}

/// Whether it changes what may run is for the claim to say.
void set_group(Store& store,
               Dispatcher& dispatcher,
               const std::string& name,
               GroupEdit edit,
               Reply<GroupResponse> reply) {
    if (auto ok = check_name("group", name); !ok) return reply(fail(ok.error()));
    store.set_group(
        name, std::move(edit), [&dispatcher, reply = std::move(reply)](Result<Group> set) mutable {
            if (!set) return reply(fail(set.error()));
            dispatcher.wake();  // a pause that ends by itself sets its timer, too
            std::string message = words_of(*set);
            reply(GroupResponse{std::move(message), std::move(*set)});
        });
}

GroupEdit edit_by(const Caller& caller, TimePoint now) {
    GroupEdit edit;
    edit.at = now;
    edit.by = caller.name;
    return edit;
}

}  // namespace

void Service::handle(const GroupSetRequest& request,
                     const Caller& caller,
                     Reply<GroupResponse> reply) {
    if (request.max_running &&
        (*request.max_running < 1 || *request.max_running > GroupLimits::running_max))
        return reply(
            fail(ErrorCode::bad_field,
                 fmt::format("max_running must be 1 to {}, not {}; group pause starts none of it",
                             GroupLimits::running_max,
                             *request.max_running)));
    GroupEdit edit = edit_by(caller, parts_->clock.now());
    edit.max_running = request.max_running;
    set_group(parts_->store, parts_->dispatcher, request.name, std::move(edit), std::move(reply));
}

void Service::handle(const GroupPauseRequest& request,
                     const Caller& caller,
                     Reply<GroupResponse> reply) {
    GroupEdit edit = edit_by(caller, parts_->clock.now());
    edit.pause = GroupEdit::Pause{true};
    if (request.for_time) edit.pause->until = edit.at + request.for_time->length;
    set_group(parts_->store, parts_->dispatcher, request.name, std::move(edit), std::move(reply));
}

void Service::handle(const GroupResumeRequest& request,
                     const Caller& caller,
                     Reply<GroupResponse> reply) {
    GroupEdit edit = edit_by(caller, parts_->clock.now());
    edit.pause = GroupEdit::Pause{};
    edit.must_exist = true;
    set_group(parts_->store, parts_->dispatcher, request.name, std::move(edit), std::move(reply));
}

void Service::handle(const GroupRemoveRequest& request,
                     const Caller&,
                     Reply<MessageResponse> reply) {
    parts_->store.remove_group(
        request.name,
        [&dispatcher = parts_->dispatcher, name = request.name, reply = std::move(reply)](
            Result<Done> done) mutable {
            if (!done) return reply(fail(done.error()));
            dispatcher.wake();
            reply(MessageResponse{fmt::format("group {} has no limit of its own any more", name)});
        });
}

Result<Group> Service::handle(const GroupShowRequest& request, const Caller&) {
    auto found = parts_->store.group(request.name);
    if (!found) return fail(found.error());
    if (!*found) return fail(group_not_found(request.name));
    return std::move(**found);
}

Result<GroupListResponse> Service::handle(const GroupListRequest& request, const Caller&) {
    auto limit = limit_of(request);
    if (!limit) return fail(limit.error());
    auto page = parts_->store.groups(request.after.value_or(""), *limit);
    if (!page) return fail(page.error());
    GroupListResponse response;
    if (page->has_more) response.next = page->groups.back().name;
    response.groups = std::move(page->groups);
    return response;
}

}  // namespace scheduler
