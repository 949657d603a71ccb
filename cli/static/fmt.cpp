/// libfmt inside `schedctl`: what Debian ships as a shared library only, compiled once from the
/// same package's header, as the library's own source does. fmt's header-only mode would compile it
/// into each of a hundred files instead. The instantiations are those that fmt's headers declare
/// `extern`, as far as the client calls them; the linker names one that is missing. For fmt 9, see
/// CMakeLists.txt.

#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {

template dragonbox::decimal_fp<float> dragonbox::to_decimal(float) noexcept;
template dragonbox::decimal_fp<double> dragonbox::to_decimal(double) noexcept;
template void buffer<char>::append(const char*, const char*);
template void vformat_to(buffer<char>&,
                         string_view,
                         basic_format_args<buffer_context<char>>,
                         locale_ref);
template thousands_sep_result<char> thousands_sep_impl(locale_ref);
template char decimal_point_impl(locale_ref);

}  // namespace detail
FMT_END_NAMESPACE
