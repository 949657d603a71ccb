#include "common/definition.hpp"

#include <vector>

#include <fmt/format.h>

#include "common/fields.hpp"
#include "common/name.hpp"

namespace scheduler {
namespace {

/// Where the fields of a specification are, in the order of their declaration.
struct FieldPlaces {
    std::vector<const void*> places;
    void operator()(std::string_view, const auto& member, std::string_view) {
        places.push_back(&member);
    }
};

/// Visits the fields of one specification, and takes what another one gives.
class Overlay {
  public:
    explicit Overlay(const JobSpec& given) { JobSpec::fields(given, given_); }

    template <class T>
    void operator()(std::string_view, T& member, std::string_view) {
        const T& given = *static_cast<const T*>(given_.places[next_++]);
        if constexpr (StringMapType<T>) {
            for (const auto& [name, value] : given)
                member.insert_or_assign(name, value);
        } else if constexpr (VectorType<T>) {
            if (!given.empty()) member = given;
        } else {
            static_assert(OptionalType<T>, "say how a field of this type is given");
            if (given) member = given;
        }
    }

  private:
    FieldPlaces given_;
    std::size_t next_ = 0;
};

/// Empties the field of this name.
struct Unset {
    std::string_view name;
    bool is_done = false;
    void operator()(std::string_view field, auto& member, std::string_view) {
        if (field != name) return;
        member = {};
        is_done = true;
    }
};

}  // namespace

Error definition_not_found(std::string_view name) {
    return {ErrorCode::not_found,
            fmt::format("there is no definition \"{}\"; schedctl def ls lists them",
                        name.substr(0, name_bytes_max))};
}

JobSpec overlay(JobSpec base, const JobSpec& given) {
    if (!given.entrypoint.empty() && given.command.empty()) base.command.clear();
    Overlay visit(given);
    JobSpec::fields(base, visit);
    return base;
}

Result<Done> unset_field(JobSpec& spec, std::string_view name) {
    Unset visit{name};
    JobSpec::fields(spec, visit);
    if (visit.is_done) return Done{};
    return fail(ErrorCode::bad_field,
                fmt::format("unset \"{}\" is no field of the specification; there are {}",
                            name.substr(0, 64),
                            fmt::join(field_names<JobSpec>(), ", ")));
}

Result<Done> keep_hidden_values(JobSpec& spec, const JobSpec* before) {
    for (auto& [name, value] : spec.env) {
        if (value != hidden_value) continue;
        const std::string* kept = nullptr;
        if (before != nullptr)
            if (auto found = before->env.find(name); found != before->env.end())
                kept = &found->second;
        if (kept == nullptr)
            return fail(ErrorCode::bad_field,
                        fmt::format("env {} is \"{}\", which stands for a value that is not shown, "
                                    "and there is none; give its value",
                                    name,
                                    hidden_value));
        value = *kept;
    }
    return Done{};
}

}  // namespace scheduler
