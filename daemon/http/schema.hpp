#pragma once
/// JSON Schema (2020-12, as OpenAPI 3.1 has it) of the types of the list of operations, by their
/// fields. Schemas are JSON text. Pure; any thread.

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "common/job.hpp"
#include "common/json.hpp"
#include "common/list_place.hpp"
#include "common/mount.hpp"
#include "common/requests/logs.hpp"

namespace scheduler {

struct FieldSchema {
    std::string name;
    std::string doc;
    std::string json;  ///< its schema in JSON
    std::string form;  ///< in forms and queries: `env` is an array of NAME=VALUE there; empty: it
                       ///< can't be written in one
    bool is_required = false;
};

/// What OpenAPI says about a route.
struct RouteSchema {
    std::vector<FieldSchema> request;
    std::string response;  ///< of the 200; empty: it has no JSON body
    std::string response_type = "application/json";
};

inline constexpr std::string_view job_schema_reference = R"({"$ref":"#/components/schemas/Job"})";

/// Whether other properties may be there (answers may grow, requests may not).
enum class OtherProperties { refused, allowed };

template <class T>
std::string object_schema(OtherProperties others = OtherProperties::allowed);

/// Words of an enum.
template <class Values>
std::string enum_schema(const Values& values) {
    std::string words;
    for (auto value : values)
        words += (words.empty() ? "" : ",") + quote_json(to_string(value));
    return R"({"type":"string","enum":[)" + words + "]}";
}

template <class T>
std::string text_schema() {
    if constexpr (std::same_as<T, JobStatus>) {
        return enum_schema(job_statuses);
    } else if constexpr (std::same_as<T, FinishStatus>) {
        return enum_schema(finish_statuses);
    } else if constexpr (std::same_as<T, LogStream>) {
        return enum_schema(log_streams);
    } else if constexpr (std::same_as<T, Instant>) {
        return R"({"type":"string","format":"date-time"})";
    } else if constexpr (std::same_as<T, Span>) {
        return R"({"type":"string","pattern":"^[0-9]+[smhdSMHD]$"})";
    } else if constexpr (std::same_as<T, MountType>) {
        return enum_schema(mount_types);
    } else if constexpr (std::same_as<T, Backoff>) {
        return enum_schema(backoffs);
    } else if constexpr (std::same_as<T, Size>) {
        return R"({"type":"string","pattern":"^[0-9]+([bkmgBKMG]|[kmgKMG][iI][bB])$"})";
    } else if constexpr (std::same_as<T, Cpus>) {
        return R"({"type":["number","string"],"pattern":"^[0-9]*(\\.[0-9]{1,9})?$"})";
    } else if constexpr (std::same_as<T, Ulimit>) {
        return R"({"type":"string","pattern":"^[a-z]+=-?[0-9]+(:-?[0-9]+)?$"})";
    } else if constexpr (std::same_as<T, Gpus>) {
        return R"({"type":"string","pattern":"^(all|[0-9]+|device=.+)$"})";
    } else if constexpr (std::same_as<T, ListPlace>) {
        return R"({"type":"string","pattern":"^[0-9a-f]{32}(\\.-?[0-9]+){0,3}$"})";
    } else if constexpr (std::same_as<T, Base64Bytes>) {
        return R"({"type":"string","contentEncoding":"base64"})";
    } else {
        static_assert(std::same_as<T, JobId> || std::same_as<T, ScheduleId> ||
                      std::same_as<T, JobRef>);
        return R"({"type":"string","pattern":"^[0-9a-f]{32}$"})";  // over HTTP JobRef too
    }
}

template <class T>
std::string value_schema(OtherProperties others = OtherProperties::allowed) {
    if constexpr (OptionalType<T>) {
        return value_schema<typename T::value_type>(others);
    } else if constexpr (std::same_as<T, std::string>) {
        return R"({"type":"string"})";
    } else if constexpr (std::same_as<T, bool>) {
        return R"({"type":"boolean"})";
    } else if constexpr (IntegerType<T>) {
        return R"({"type":"integer"})";
    } else if constexpr (TextType<T>) {
        return text_schema<T>();
    } else if constexpr (VectorType<T>) {
        return R"({"type":"array","items":)" + value_schema<typename T::value_type>(others) + '}';
    } else if constexpr (StringMapType<T>) {
        return R"({"type":"object","additionalProperties":)" +
               value_schema<typename T::mapped_type>(others) + '}';
    } else if constexpr (std::same_as<T, Job>) {
        return std::string(job_schema_reference);
    } else {
        return object_schema<T>(others);
    }
}

/// Lists and maps of what is a text of its own, but no objects.
template <class T>
constexpr bool fits_form() {
    if constexpr (OptionalType<T> || VectorType<T>)
        return fits_form<typename T::value_type>();
    else
        return !HasFields<T>;
}

struct SchemaCollector {
    OtherProperties others = OtherProperties::allowed;
    std::vector<FieldSchema> fields = {};

    template <class T>
    void operator()(std::string_view name, T&, std::string_view doc) {
        add<T>(name, doc, !may_be_absent<T>);
    }
    template <class T>
    void with_default(std::string_view name, T&, std::string_view doc) {
        add<T>(name, doc, false);
    }
    template <class T>
    void unless_empty(std::string_view name, T&, std::string_view doc) {
        add<T>(name, doc, false);
    }

  private:
    template <class T>
    void add(std::string_view name, std::string_view doc, bool is_required) {
        std::string json = value_schema<T>(others);
        std::string form = fits_form<T>() ? json : "";
        if constexpr (StringMapType<T>)
            form = fmt::format(R"({{"type":"array","items":{{"type":"string","pattern":"{}"}}}})",
                               name == "tmpfs" ? "^/" : "^[^=]+=");
        fields.push_back(
            {std::string(name), std::string(doc), std::move(json), std::move(form), is_required});
    }
};

template <class T>
std::vector<FieldSchema> field_schemas() {
    constexpr bool is_request = requires {
        T::method;
    };
    SchemaCollector collector{is_request ? OtherProperties::refused : OtherProperties::allowed};
    T value{};
    T::fields(value, collector);
    return std::move(collector.fields);
}

std::string object_schema(const std::vector<FieldSchema>& fields,
                          bool as_form,
                          OtherProperties others);

template <class T>
std::string object_schema(OtherProperties others) {
    return object_schema(field_schemas<T>(), false, others);
}

/// An operation that answers with its response as JSON.
template <class Request>
RouteSchema schema_of_operation() {
    return {field_schemas<Request>(), value_schema<typename Request::Response>()};
}

}  // namespace scheduler
