#include "daemon/http/schema.hpp"

namespace scheduler {

std::string object_schema(const std::vector<FieldSchema>& fields,
                          bool as_form,
                          OtherProperties others) {
    std::string properties;
    std::string required;
    for (const FieldSchema& field : fields) {
        // The description goes into the field's own schema, in front of its first member.
        const std::string& schema = as_form ? field.form : field.json;
        if (schema.empty()) continue;
        properties += fmt::format("{}{}:{{\"description\":{},{}",
                                  properties.empty() ? "" : ",",
                                  quote_json(field.name),
                                  quote_json(field.doc),
                                  schema.substr(1));
        if (field.is_required) required += (required.empty() ? "" : ",") + quote_json(field.name);
    }
    return fmt::format("{{\"type\":\"object\",\"properties\":{{{}}}{}{}}}",
                       properties,
                       required.empty() ? "" : ",\"required\":[" + required + ']',
                       others == OtherProperties::refused ? ",\"additionalProperties\":false" : "");
}

}  // namespace scheduler
