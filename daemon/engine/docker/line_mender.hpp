#pragma once
/// mend_lines gives back the newlines that Docker's log driver `local` loses. Docker cuts a line
/// over 16 KiB into pieces of exactly that size and a rest; `local` stores the rest without the
/// newline that ended it (Docker 20.10, measured). But a piece that is shorter and has no newline
/// is either such a rest or the very end of the stream, so when another piece of the same stream
/// follows, a newline was there. Nothing is invented: at the end of the stream the newline of a
/// last line over 16 KiB stays lost. Other drivers and later versions never send such a piece
/// before another. Not for Podman, which cuts lines anywhere. Source: moby daemon/logger/copier.go,
/// local/read.go.

#include "daemon/engine/engine.hpp"

namespace scheduler {

LogFrameSink mend_lines(LogFrameSink sink);

}  // namespace scheduler
