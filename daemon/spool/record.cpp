#include "daemon/spool/record.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "daemon/spool/file.hpp"

namespace scheduler {
namespace {

constexpr std::uint8_t gap_kind = 0;
constexpr std::size_t gap_payload_bytes = 8;
constexpr std::size_t open_gap_payload_bytes = 9;

void put_integer(std::string& to, std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i)
        to.push_back(static_cast<char>(value >> 8U * i & 0xffU));
}

std::uint64_t get_integer(const char* from, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes; i > 0; --i)
        value = value << 8U | static_cast<std::uint8_t>(from[i - 1]);
    return value;
}

void put_header(std::string& to, std::uint8_t kind, std::int64_t at_ns, std::size_t length) {
    to.push_back(static_cast<char>(kind));
    put_integer(to, static_cast<std::uint64_t>(at_ns), 8);
    put_integer(to, length, 4);
}

bool is_valid(std::uint8_t kind, std::uint64_t length) {
    if (kind == gap_kind) return length == gap_payload_bytes || length == open_gap_payload_bytes;
    bool is_stream = kind == static_cast<std::uint8_t>(LogStream::out) ||
                     kind == static_cast<std::uint8_t>(LogStream::err);
    return is_stream && length > 0 && length <= record_payload_max;
}

}  // namespace

std::uint64_t output_bytes(const SpoolRecord& record) {
    return record.stream ? record.bytes.size() : record.missing;
}

void encode_record(std::string& to,
                   LogStream stream,
                   std::int64_t at_ns,
                   std::string_view payload) {
    put_header(to, static_cast<std::uint8_t>(stream), at_ns, payload.size());
    to.append(payload);
}

void encode_gap(std::string& to, std::int64_t at_ns, std::uint64_t missing, bool may_be_more) {
    put_header(to, gap_kind, at_ns, may_be_more ? open_gap_payload_bytes : gap_payload_bytes);
    put_integer(to, missing, gap_payload_bytes);
    if (may_be_more) put_integer(to, 1, 1);
}

Result<RecordCursor::State> RecordCursor::next(SpoolRecord& record) {
    auto has_header = fill(record_header_bytes);
    if (!has_header) return fail(has_header.error());
    if (!*has_header) return State::end;
    const char* header = buffer_.get() + used_;
    auto kind = static_cast<std::uint8_t>(header[0]);
    auto at_ns = static_cast<std::int64_t>(get_integer(header + 1, 8));
    auto length = static_cast<std::size_t>(get_integer(header + 9, 4));
    if (!is_valid(kind, length)) return State::damaged;

    auto has_payload = fill(record_header_bytes + length);
    if (!has_payload) return fail(has_payload.error());
    if (!*has_payload) return State::end;
    const char* payload = buffer_.get() + used_ + record_header_bytes;
    record = SpoolRecord{};
    record.at_ns = at_ns;
    if (kind == gap_kind) {
        record.missing = get_integer(payload, gap_payload_bytes);
        record.may_be_more = length == open_gap_payload_bytes;
    } else {
        record.stream = static_cast<LogStream>(kind);
        record.bytes.assign(payload, length);
    }
    used_ += record_header_bytes + length;
    offset_ += record_header_bytes + length;
    return State::record;
}

Result<bool> RecordCursor::fill(std::size_t size) {
    const std::size_t at_hand = filled_ - used_;
    if (at_hand >= size) return true;
    if (capacity_ < size) {
        capacity_ = std::max(size, read_bytes);
        auto larger = std::make_unique_for_overwrite<char[]>(capacity_);
        if (at_hand > 0) std::memcpy(larger.get(), buffer_.get() + used_, at_hand);
        buffer_ = std::move(larger);
    } else if (at_hand > 0) {
        std::memmove(buffer_.get(), buffer_.get() + used_, at_hand);
    }
    used_ = 0;
    filled_ = at_hand;
    auto got = spool_file::read_at(
        fd_, path_, buffer_.get() + at_hand, capacity_ - at_hand, offset_ + at_hand);
    if (!got) return fail(got.error());
    filled_ += *got;
    return filled_ >= size;
}

}  // namespace scheduler
