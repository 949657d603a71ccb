#include "common/json.hpp"

#include <array>
#include <set>

#include "common/json_codec.hpp"
#include "common/operations.hpp"

namespace scheduler {
namespace {

/// ASCII that stands in a string literal as it is.
bool is_plain(char c) {
    static constexpr auto table = [] {
        std::array<bool, 256> plain{};
        for (unsigned char code = ' '; code < 127; ++code)
            plain[code] = code != '"' && code != '\\';
        return plain;
    }();
    return table[static_cast<unsigned char>(c)];
}

/// Builds the document from the parser's events, and refuses what the library would let pass: deep
/// nesting, keys given twice, NUL characters. It appends to objects itself, since the library looks
/// through all keys before it adds one: the cost of a hostile text would be the square of its size.
class DocumentBuilder {
  public:
    explicit DocumentBuilder(Json& root) : root_(root) {}

    [[nodiscard]] const std::string& refusal() const { return refusal_; }

    // What nlohmann's sax_parse calls; false ends the parsing.
    bool null() { return add(nullptr); }
    bool boolean(bool value) { return add(value); }
    bool number_integer(std::int64_t value) { return add(value); }
    bool number_unsigned(std::uint64_t value) { return add(value); }
    bool number_float(double value, const std::string&) { return add(value); }
    bool string(std::string& value) { return has_no_nul(value) && add(std::move(value)); }
    bool binary(Json::binary_t&) { return refuse("it holds binary data"); }
    bool start_object(std::size_t) { return open(Json::object()); }
    bool start_array(std::size_t) { return open(Json::array()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(std::string& name) {
        if (!has_no_nul(name)) return false;
        Level& level = open_.back();
        if (has_key(level, name))
            return refuse(fmt::format("the field \"{}\" is given twice", name.substr(0, 64)));
        level.key = std::move(name);
        return true;
    }
    bool parse_error(std::size_t at, const std::string&, const Json::exception& error) {
        return refuse(dynamic_cast<const Json::parse_error*>(&error) != nullptr
                          ? fmt::format("error at byte {}", at)
                          : error.what());
    }

  private:
    /// An object or array that is not closed yet. It stays where it is until then.
    struct Level {
        Json* container;
        std::string key = {};             ///< whose value comes next
        std::set<std::string> keys = {};  ///< of an object with more than `few_keys`
    };

    static bool has_key(Level& level, const std::string& name) {
        constexpr std::size_t few_keys = 32;
        const auto& members = level.container->get_ref<const Json::object_t&>();
        if (members.size() < few_keys)
            return std::any_of(members.begin(), members.end(), [&](const auto& member) {
                return member.first == name;
            });
        if (level.keys.empty())
            for (const auto& member : members)
                level.keys.insert(member.first);
        return !level.keys.insert(name).second;
    }

    bool has_no_nul(const std::string& text) {
        return text.find('\0') == std::string::npos || refuse("a string holds a NUL character");
    }

    bool add(Json value) {
        (void)put(std::move(value));
        return true;
    }

    bool open(Json container) {
        if (open_.size() >= JsonLimits::depth)
            return refuse(fmt::format("nested deeper than {} levels", JsonLimits::depth));
        open_.push_back({put(std::move(container))});
        return true;
    }

    bool close() {
        open_.pop_back();
        return true;
    }

    Json* put(Json value) {
        if (open_.empty()) return &(root_ = std::move(value));
        Level& level = open_.back();
        if (level.container->is_array()) {
            auto& elements = level.container->get_ref<Json::array_t&>();
            return &elements.emplace_back(std::move(value));
        }
        auto& members = level.container->get_ref<Json::object_t&>();
        return &members.emplace_back(std::move(level.key), std::move(value)).second;
    }

    bool refuse(std::string reason) {
        refusal_ = std::move(reason);
        return false;
    }

    Json& root_;
    std::vector<Level> open_;
    std::string refusal_;
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
    DocumentBuilder builder(document.value_->json);
    if (!Json::sax_parse(text, &builder)) return bad(builder.refusal());
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
    if (std::all_of(text.begin(), text.end(), is_plain)) {
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
    add(&encode<NamedSpec>);  // as files hold it
    return all;
}

[[gnu::used]] std::vector<AnyFunction> instantiate() {
    return addresses(Operations{});
}

}  // namespace

}  // namespace scheduler
