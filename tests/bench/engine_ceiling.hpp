#pragma once
/// The engine's own ceiling: the same containers by the leanest client there can be.

#include <string>

namespace scheduler::bench {

/// Whether the engine at this Unix socket has the image.
bool engine_has_image(const std::string& socket, const std::string& image);

/// Whether it has any container of a schedulerd, in whatever state.
bool engine_has_our_containers(const std::string& socket);

/// Creates, starts, awaits and removes containers of `true`, `parallel` at once over kept
/// connections. Containers a second.
double lean_containers_per_second(const std::string& socket,
                                  const std::string& image,
                                  int parallel,
                                  int count);

}  // namespace scheduler::bench
