#include "daemon/http/multipart.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "daemon/http/head.hpp"
#include "daemon/http/parameters.hpp"

namespace scheduler {
namespace {

/// RFC 2046 section 5.1.1.
constexpr std::size_t boundary_bytes_max = 70;

Failure<Error> bad_body(std::string_view what) {
    return fail(ErrorCode::bad_request, fmt::format("the multipart body {}", what));
}

/// `--boundary` of the header.
Result<std::string> read_delimiter(std::string_view content_type) {
    auto type = parse_parameters(content_type);
    if (!type)
        return fail(ErrorCode::bad_request,
                    fmt::format("the Content-Type \"{}\" can't be read: {}",
                                content_type.substr(0, 128),
                                type.error().message));
    const std::string* boundary = type->find("boundary");
    if (boundary == nullptr || boundary->empty())
        return fail(ErrorCode::bad_request,
                    "the Content-Type multipart/form-data names no boundary; let the client write "
                    "this header by itself, as curl -F does");
    if (boundary->size() > boundary_bytes_max)
        return fail(ErrorCode::bad_request,
                    fmt::format("the boundary in the Content-Type is longer than {} characters",
                                boundary_bytes_max));
    return "--" + *boundary;
}

/// The name of a part by its head (every line of it with its CRLF).
Result<std::string> read_name(std::string_view head) {
    std::optional<std::string> name;
    while (!head.empty()) {
        auto header = parse_header(take_line(head));
        if (!header)
            return bad_body(
                fmt::format("has a part that can't be read: {}", header.error().message));
        if (header->name == "content-transfer-encoding" &&
            !equals_ignoring_case(header->value, "binary") &&
            !equals_ignoring_case(header->value, "8bit") &&
            !equals_ignoring_case(header->value, "7bit"))
            return bad_body(
                fmt::format("has a part with the Content-Transfer-Encoding {}, which is "
                            "not taken; send it as it is",
                            header->value.substr(0, 64)));
        if (header->name != "content-disposition") continue;
        auto disposition = parse_parameters(header->value);
        if (!disposition)
            return bad_body(fmt::format("has a Content-Disposition that can't be read: {}",
                                        disposition.error().message));
        if (disposition->value != "form-data") continue;
        if (const std::string* given = disposition->find("name")) name = *given;
    }
    if (name && !name->empty()) return *name;
    return bad_body(
        "has a part without a name; begin it with Content-Disposition: form-data; name=\"…\"");
}

/// Moves what stands before the next delimiter line out of `rest`, and the delimiter with it.
/// Nothing when none follows. The CRLF before a delimiter belongs to it.
std::optional<std::string_view> take_to_delimiter(std::string_view& rest,
                                                  const std::string& delimiter) {
    const std::string line = "\r\n" + delimiter;
    for (std::size_t from = 0;;) {
        auto found = rest.find(line, from);
        if (found == std::string_view::npos) return std::nullopt;
        auto after = rest.substr(found + line.size());
        auto blanks = std::min(after.find_first_not_of(" \t"), after.size());
        // A longer word is content that only begins like the delimiter.
        if (after.substr(0, 2) == "--" || after.substr(blanks, 2) == "\r\n") {
            auto content = rest.substr(0, found);
            rest.remove_prefix(found + line.size());
            return content;
        }
        from = found + 1;
    }
}

}  // namespace

Result<FormFields> parse_multipart(std::string_view content_type, std::string_view body) {
    FormFields fields;
    if (body.empty()) return fields;
    auto delimiter = read_delimiter(content_type);
    if (!delimiter) return fail(delimiter.error());
    // The first delimiter may stand at the very beginning, as if a line had ended before it.
    const std::string text = "\r\n" + std::string(body);
    std::string_view rest = text;
    if (!take_to_delimiter(rest, *delimiter))
        return bad_body(fmt::format("has no line \"{}\", which its Content-Type names as boundary",
                                    *delimiter));
    while (rest.substr(0, 2) != "--") {
        (void)take_line(rest);
        // A part without headers begins with the empty line at once.
        auto head_end = rest.substr(0, 2) == "\r\n" ? 0 : rest.find("\r\n\r\n");
        if (head_end == std::string_view::npos)
            return bad_body("has a part without the empty line after its headers");
        auto name = read_name(rest.substr(0, head_end));
        if (!name) return fail(name.error());
        // The CRLF that ends the head may be the one before the delimiter of an empty part.
        rest.remove_prefix(head_end == 0 ? 0 : head_end + 2);
        auto content = take_to_delimiter(rest, *delimiter);
        if (!content)
            return bad_body(fmt::format("ends before its last line \"{}--\"", *delimiter));
        fields.emplace_back(
            std::move(*name),
            std::string(content->substr(std::min<std::size_t>(2, content->size()))));
    }
    return fields;
}

}  // namespace scheduler
