#pragma once
/// A move-only callable: what std::function is, for closures that own something. C++23's
/// std::move_only_function replaces it. Calling an empty one is a bug.

#include <cassert>
#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace scheduler {

template <class Signature>
class UniqueFunction;

template <class R, class... Args>
class UniqueFunction<R(Args...)> {
  public:
    UniqueFunction() = default;
    template <class F>
    requires(!std::same_as<std::decay_t<F>, UniqueFunction> &&
             std::is_invocable_r_v<R, F&, Args...>)
        UniqueFunction(F&& function)  // NOLINT(google-explicit-constructor): as std::function
        : holder_(std::make_unique<Holder<std::decay_t<F>>>(std::forward<F>(function))) {}

    explicit operator bool() const { return holder_ != nullptr; }
    R operator()(Args... args) {
        assert(holder_);
        return holder_->call(std::forward<Args>(args)...);
    }

  private:
    struct Base {
        Base() = default;
        Base(const Base&) = delete;
        Base& operator=(const Base&) = delete;
        virtual ~Base() = default;
        virtual R call(Args... args) = 0;
    };
    template <class F>
    struct Holder final : Base {
        explicit Holder(F&& function) : function_(std::move(function)) {}
        explicit Holder(const F& function) : function_(function) {}
        R call(Args... args) override { return function_(std::forward<Args>(args)...); }
        F function_;
    };
    std::unique_ptr<Base> holder_;
};

}  // namespace scheduler
