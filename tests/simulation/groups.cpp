/// Groups: clients limit, pause and resume them, and no more of one run than may.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "tests/simulation/world.hpp"

namespace scheduler::sim {
namespace {

/// Jobs name all three, and the last one is never set.
constexpr std::array names{"narrow", "wide", "free"};

}  // namespace

std::string World::any_group() {
    return names.at(lines_.below(names.size()));
}

void World::ask_to_set_group() {
    GroupWish wish;
    wish.name = names.at(lines_.below(names.size() - 1));
    std::uint64_t what = lines_.below(10);
    if (what < 6)
        wish.edit.max_running = static_cast<std::int64_t>(1 + lines_.below(3));
    else if (what < 8)
        wish.edit.pause = GroupEdit::Pause{true};
    else if (what < 9)
        wish.edit.pause = GroupEdit::Pause{};
    else
        wish.is_removal = true;
    if (what == 7) wish.length = Span{1s * (1 + lines_.below(30))};
    ask_of_group(wish);
}

void World::ask_of_group(const GroupWish& wish) {
    if (!process_) return;
    auto asking = ask({Action::set_group, {}, JobId(), time_.clock.now()});
    asking->wish = wish;
    time_.front.post([this, asking] {
        Service& service = *process_->service;
        GroupWish& asked = asking->wish;
        asking->at = time_.clock.now();
        if (asked.length) asked.edit.pause->until = asking->at + asked.length->length;
        auto done = answered<GroupResponse>(asking, [this, asking](const auto& set) {
            if (set) group_is_set(asking->wish);
        });
        if (asked.is_removal)
            return service.handle(
                GroupRemoveRequest{asked.name},
                caller,
                answered<MessageResponse>(asking, [this, asking](const auto& removed) {
                    if (removed) group_is_set(asking->wish);
                }));
        if (asked.edit.max_running)
            return service.handle(
                GroupSetRequest{asked.name, *asked.edit.max_running}, caller, std::move(done));
        if (asked.edit.pause->is_paused)
            return service.handle(
                GroupPauseRequest{asked.name, asked.length}, caller, std::move(done));
        service.handle(GroupResumeRequest{asked.name}, caller, std::move(done));
    });
}

/// It was acknowledged.
void World::group_is_set(const GroupWish& wish) {
    group_troubled_at_[wish.name] = time_.clock.steady();
    if (wish.is_removal) {
        model_.groups().erase(wish.name);
        return;
    }
    ModelGroup& group = model_.groups()[wish.name];
    if (wish.edit.max_running) group.max_running = *wish.edit.max_running;
    if (wish.edit.pause) group.pause = *wish.edit.pause;
}

bool World::is_group_asked() const {
    return std::any_of(asked_.begin(), asked_.end(), [](const Asked& asked) {
        return asked.action == Action::set_group;
    });
}

/// `latest`: what the claim may have taken the time for.
void World::check_groups(const std::vector<JobId>& claimed, TimePoint latest) {
    if (is_group_asked()) return;
    std::map<std::string, std::int64_t> taken;
    for (JobId id : claimed)
        if (const auto& group = model_.find(id)->group) ++taken[*group];
    for (const auto& [name, count] : taken) {
        std::int64_t run = model_.count_running(name) + count;
        if (run > model_.places_of(name, latest))
            violate(fmt::format(
                "{} jobs of group {} run, and {} may", run, name, model_.places_of(name, latest)));
    }
}

/// When a job of a group may not have had room, as looked at again and again.
void World::look_at_groups() {
    for (const char* name : names)
        if (is_group_asked() ||
            model_.count_running(name) >= model_.places_of(name, time_.clock.now()))
            group_troubled_at_[name] = time_.clock.steady();
}

void World::compare_groups() {
    auto page = process_->store->groups("", GroupLimits::groups);
    if (!page) violate("groups can't be read: " + page.error().message);
    std::map<std::string, ModelGroup> stored;
    for (const Group& group : page->groups) {
        ModelGroup& its = stored[group.name];
        its.max_running = group.max_running;
        its.pause.is_paused = group.paused;
        if (group.paused_until) its.pause.until = group.paused_until->at;
    }
    if (!is_group_asked()) {
        auto is_same = [&](const auto& one, const auto& other) {
            return one.first == other.first && one.second.max_running == other.second.max_running &&
                   one.second.is_paused(time_.clock.now()) ==
                       other.second.is_paused(time_.clock.now());
        };
        const auto& known = model_.groups();
        if (!std::equal(known.begin(), known.end(), stored.begin(), stored.end(), is_same))
            violate("a group did not survive a restart");
        return;
    }
    model_.groups() = std::move(stored);
}

}  // namespace scheduler::sim
