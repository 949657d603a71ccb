#include "cli/output/colour.hpp"

#include <fmt/format.h>

namespace scheduler {
namespace {

/// Select Graphic Rendition codes, ECMA-48 section 8.3.117.
std::string_view code_of(Colour colour) {
    switch (colour) {
        case Colour::none:
            return "0";
        case Colour::bold:
            return "1";
        case Colour::dim:
            return "2";
        case Colour::red:
            return "31";
        case Colour::green:
            return "32";
        case Colour::yellow:
            return "33";
        case Colour::cyan:
            return "36";
    }
    return "0";
}

}  // namespace

std::string paint(std::string_view text, Colour colour, bool enabled) {
    if (!enabled || colour == Colour::none) return std::string(text);
    return fmt::format("\033[{}m{}\033[0m", code_of(colour), text);
}

Colour colour_of(const Job& job) {
    if (!job.finish_status) return job.status == JobStatus::running ? Colour::cyan : Colour::none;
    switch (*job.finish_status) {
        case FinishStatus::success:
            return Colour::green;
        case FinishStatus::failed:
        case FinishStatus::lost:
            return Colour::red;
        case FinishStatus::killed:
        case FinishStatus::timed_out:
            return Colour::yellow;
        case FinishStatus::did_not_run:
            return Colour::dim;
    }
    return Colour::none;
}

}  // namespace scheduler
