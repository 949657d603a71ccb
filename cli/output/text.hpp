#pragma once
/// Text that is safe and fits: names and errors come from strangers, so what they hold never moves
/// the cursor, changes colours or forges a line. Pure.

#include <string>
#include <string_view>

namespace scheduler {

/// Control characters, direction overrides and invalid UTF-8 as escapes: `\n`, `\t`, `\x1b`,
/// `\u202e`.
std::string escape_text(std::string_view text);

/// The same for a field between tabs: a backslash is doubled, so that the escapes can be undone.
std::string escape_field(std::string_view text);

/// The daemon's message, escaped; of an ambiguous id each job that it may mean on its own line.
std::string daemon_words(std::string_view message);

/// Columns on a terminal: 0 for combining marks, 2 for wide characters. `text` is escaped UTF-8.
std::size_t display_width(std::string_view text);

/// At most `width` columns of it, whole characters, with … at the end when something is missing.
std::string fit_text(std::string_view text, std::size_t width);

/// The same with the … inside: of an image's reference the end says most.
std::string fit_middle(std::string_view text, std::size_t width);

/// A word as a POSIX shell reads it back.
std::string quote_shell(std::string_view word);

}  // namespace scheduler
