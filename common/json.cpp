#include "common/json.hpp"

#include <set>

#include "common/json_codec.hpp"
#include "common/operations.hpp"

namespace scheduler {
namespace {

/// Thrown out of the parser's callback, and caught in JsonDocument::parse.
struct RefusedJson {
    std::string reason;
};

/// Refuses what the library would let pass: deep nesting, keys given twice, NUL characters.
class ParseGuard {
  public:
    bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
        bool opens =
            event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
        // The depth at an opening bracket is that of what holds it.
        if (opens && depth >= JsonLimits::depth)
            throw RefusedJson{fmt::format("nested deeper than {} levels", JsonLimits::depth)};
        switch (event) {
            case Json::parse_event_t::object_start:
                keys_.emplace_back();
                break;
            case Json::parse_event_t::object_end:
                keys_.pop_back();
                break;
            case Json::parse_event_t::key:
                check_key(parsed.get_ref<const std::string&>());
                break;
            case Json::parse_event_t::value:
                if (parsed.is_string()) check_nul(parsed.get_ref<const std::string&>());
                break;
            default:
                break;
        }
        return true;
    }

  private:
    void check_key(const std::string& key) {
        check_nul(key);
        if (!keys_.back().insert(key).second)
            throw RefusedJson{fmt::format("the field \"{}\" is given twice", key.substr(0, 64))};
    }
    static void check_nul(const std::string& text) {
        if (text.find('\0') != std::string::npos)
            throw RefusedJson{"a string holds a NUL character"};
    }

    std::vector<std::set<std::string>> keys_;
};

}  // namespace

JsonDocument::JsonDocument() : value_(std::make_unique<Value>()) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

Result<JsonDocument> JsonDocument::parse(std::string_view text) {
    auto bad = [](std::string_view reason) {
        return fail(ErrorCode::bad_json, fmt::format("the text is not valid JSON: {}", reason));
    };
    if (!is_valid_utf8(text)) return bad("it is not valid UTF-8");
    JsonDocument document;
    try {
        document.value_->json = Json::parse(text, ParseGuard());
    } catch (const RefusedJson& refused) {
        return bad(refused.reason);
    } catch (const Json::parse_error& error) {
        return bad(fmt::format("error at byte {}", error.byte));
    } catch (const Json::exception& error) {
        return bad(error.what());
    }
    return document;
}

template <class T>
Result<T> decode(std::string_view text) {
    auto document = JsonDocument::parse(text);
    if (!document) return fail(document.error());
    T value{};
    auto result = codec::read_object(document->value().json, value, "");
    if (!result) return fail(result.error());
    return value;
}

template <class T>
std::string encode(const T& value) {
    std::string out;
    out.reserve(512);
    codec::append_value(out, value);
    return out;
}

template <class T>
Result<T> decode_form(const FormFields& fields) {
    auto names = field_names<T>();
    for (const auto& [name, text] : fields) {
        if (!is_valid_utf8(name)) return codec::bad_field("the name of a field is not valid UTF-8");
        if (std::find(names.begin(), names.end(), name) == names.end())
            return codec::unknown_field<T>(name);
        if (!is_valid_utf8(text) || text.find('\0') != std::string::npos)
            return codec::bad_field(fmt::format("{} is not valid UTF-8 text without NUL", name));
    }
    T value{};
    codec::FormReader reader(fields);
    T::fields(value, reader);
    if (auto result = reader.finish(); !result) return fail(result.error());
    return value;
}

void codec::append_string(std::string& out, std::string_view text) {
    bool plain = std::all_of(text.begin(), text.end(), [](char c) {
        return c >= ' ' && c < 127 && c != '"' && c != '\\';
    });
    if (plain) {
        out += '"';
        out += text;
        out += '"';
    } else {
        out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
    }
}

std::string quote_json(std::string_view text) {
    std::string out;
    codec::append_string(out, text);
    return out;
}

std::string encode_error_body(const Error& error) {
    return "{\"message\":" + quote_json(error.message) + '}';
}

/// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_valid_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        auto lead = static_cast<unsigned char>(text[i]);
        std::size_t length = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
        if (length == 0 || i + length > text.size()) return false;
        for (std::size_t j = 1; j < length; ++j)
            if ((static_cast<unsigned char>(text[i + j]) & 0xc0U) != 0x80U) return false;
        if (length > 2) {
            auto second = static_cast<unsigned char>(text[i + 1]);
            if (lead == 0xe0 && second < 0xa0) return false;
            if (lead == 0xed && second > 0x9f) return false;
            if (lead == 0xf0 && second < 0x90) return false;
            if (lead == 0xf4 && second > 0x8f) return false;
        }
        i += length;
    }
    return true;
}

namespace {

using AnyFunction = void (*)();

/// Never called: taking their addresses puts the templates above into this object file, for each
/// type of the list of operations.
template <class... Requests>
std::vector<AnyFunction> addresses(TypeList<Requests...>) {
    std::vector<AnyFunction> all;
    auto add = [&](auto function) { all.push_back(reinterpret_cast<AnyFunction>(function)); };
    auto add_request = [&]<class Request>() {
        add(&decode<Request>);
        add(&encode<Request>);
        add(&decode_form<Request>);
        if constexpr (StreamingOperation<Request>) {
            add(&decode<typename Request::Item>);
            add(&encode<typename Request::Item>);
        } else {
            add(&decode<typename Request::Response>);
            add(&encode<typename Request::Response>);
        }
    };
    (add_request.template operator()<Requests>(), ...);
    add(&decode<JobSpec>);  // as the store keeps it
    add(&encode<JobSpec>);
    return all;
}

[[gnu::used]] std::vector<AnyFunction> instantiate() {
    return addresses(Operations{});
}

}  // namespace

}  // namespace scheduler
