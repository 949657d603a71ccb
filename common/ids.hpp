#pragma once
/// JobId and ScheduleId: 16 bytes, shown as 32 lower-case hex digits (a UUIDv7 without dashes,
/// RFC 9562 section 5.7). Two distinct types, so that one is never taken for the other.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace scheduler {

using IdBytes = std::array<std::uint8_t, 16>;

/// The bytes of 32 lower-case hex digits; nothing for any other text.
std::optional<IdBytes> parse_id_bytes(std::string_view text);
std::string to_hex(const IdBytes& bytes);

/// Puts a UUIDv7 together. `unix_ms`: 48 bits; `counter`: 12 bits; `random`: 62 bits are used.
IdBytes make_uuid_v7(std::uint64_t unix_ms, std::uint16_t counter, std::uint64_t random);

template <class Tag>
class Id {
  public:
    Id() = default;
    explicit Id(const IdBytes& bytes) : bytes_(bytes) {}

    /// Errors: bad_field when the text is not 32 lower-case hex digits.
    static Result<Id> parse(std::string_view text) {
        if (auto bytes = parse_id_bytes(text)) return Id(*bytes);
        return fail(
            ErrorCode::bad_field,
            "an id is 32 lower-case hex digits, not \"" + std::string(text.substr(0, 64)) + '"');
    }
    [[nodiscard]] std::string to_string() const { return to_hex(bytes_); }
    [[nodiscard]] const IdBytes& bytes() const { return bytes_; }
    auto operator<=>(const Id&) const = default;

  private:
    IdBytes bytes_{};
};

using JobId = Id<struct JobTag>;
using ScheduleId = Id<struct ScheduleTag>;

/// What a user may write where a job is asked for: the id, its number, a unique prefix of the id,
/// or `last`. The daemon resolves it against the store; HTTP takes whole ids only.
struct JobRef {
    std::string text;
    static constexpr std::size_t length_max = 64;

    /// Errors: bad_field when it is empty, too long or holds anything but letters and digits.
    static Result<JobRef> parse(std::string_view text);
    [[nodiscard]] const std::string& to_string() const { return text; }
    bool operator==(const JobRef&) const = default;
};

}  // namespace scheduler

template <class Tag>
struct std::hash<scheduler::Id<Tag>> {
    std::size_t operator()(const scheduler::Id<Tag>& id) const noexcept {
        // The last bytes are random, so they are a hash already.
        std::size_t value = 0;
        for (std::size_t i = 8; i < 16; ++i)
            value = value << 8U | id.bytes()[i];
        return value;
    }
};
