#pragma once
/// Colours as ANSI sequences. A colour only repeats what a word says already. Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/job.hpp"

namespace scheduler {

enum class Colour : std::uint8_t { none, bold, dim, green, red, yellow, cyan };

/// `text` between the colour's sequence and the one that ends it; unchanged when not `enabled`.
std::string paint(std::string_view text, Colour colour, bool enabled);

/// The colour of a job's status or outcome.
Colour colour_of(const Job& job);

}  // namespace scheduler
