#pragma once
/// JSON text ↔ the types of the list of operations, by their fields. nlohmann/json stays behind
/// json.cpp, where these templates are instantiated for each operation's request, response and
/// item. No I/O; any thread.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.hpp"

namespace scheduler {

/// Limits of what is parsed.
struct JsonLimits {
    static constexpr int depth = 64;
};

/// A parsed text. Only for what must be looked at before its type is known (an RPC envelope).
class JsonDocument {
  public:
    /// Errors: bad_json (with the place), also for a key given twice, NUL characters, too deep
    /// nesting.
    static Result<JsonDocument> parse(std::string_view text);

    JsonDocument(JsonDocument&&) noexcept;
    JsonDocument& operator=(JsonDocument&&) noexcept;
    ~JsonDocument();

    struct Value;  ///< holds the library's type
    [[nodiscard]] const Value& value() const { return *value_; }

  private:
    friend struct RpcCodec;
    JsonDocument();
    std::unique_ptr<Value> value_;
};

/// Errors: bad_json, bad_field (wrong type, missing), unknown_field.
template <class T>
Result<T> decode(std::string_view text);

/// The object with the fields in the order of their declaration. Absent optionals, empty containers
/// and `false` are left out, unless they are visited `with_default`. Invalid UTF-8 becomes U+FFFD.
template <class T>
std::string encode(const T& value);

/// Name and value of a form field or query parameter, decoded, in the order given.
using FormFields = std::vector<std::pair<std::string, std::string>>;

/// The same from forms and queries: repeated names make arrays, `env` is repeated NAME=VALUE.
/// Errors: bad_field (also for a name given twice), unknown_field.
template <class T>
Result<T> decode_form(const FormFields& fields);

/// A JSON string literal with its quotes.
std::string quote_json(std::string_view text);

/// `{"message":…}`: the whole body of every error over HTTP.
std::string encode_error_body(const Error& error);

bool is_valid_utf8(std::string_view text);

}  // namespace scheduler
