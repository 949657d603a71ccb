#pragma once
/// Sets this process's time zone for a test's scope, and puts the old one back. One thread only.

#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>

namespace scheduler::test {

class ZoneScope {
  public:
    explicit ZoneScope(const char* zone) {
        if (const char* old = std::getenv("TZ")) before_ = old;
        set(zone);
    }
    ZoneScope(const ZoneScope&) = delete;
    ZoneScope& operator=(const ZoneScope&) = delete;
    ~ZoneScope() { set(before_ ? before_->c_str() : nullptr); }

  private:
    static void set(const char* zone) {
        if (zone != nullptr)
            ::setenv("TZ", zone, 1);
        else
            ::unsetenv("TZ");
        ::tzset();
    }
    std::optional<std::string> before_;
};

}  // namespace scheduler::test
