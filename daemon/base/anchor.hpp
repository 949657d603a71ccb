#pragma once
/// Anchor: by what closures find an object that may have stopped, or be gone, when they run. A
/// member of the object; made once and never replaced, so `weak` is for any thread. Whether the
/// object still wants to be found is told, and asked, on the object's own thread only.

#include <memory>

namespace scheduler {

template <class T>
class Anchor {
  public:
    class Weak {
      public:
        /// Nothing: it let go, or is gone. On the object's thread.
        [[nodiscard]] T* get() const {
            auto owner = owner_.lock();
            return owner ? *owner : nullptr;
        }

      private:
        friend Anchor;
        explicit Weak(const std::shared_ptr<T*>& owner) : owner_(owner) {}
        std::weak_ptr<T*> owner_;
    };

    explicit Anchor(T& owner) : owner_(std::make_shared<T*>(&owner)) {}
    Anchor(const Anchor&) = delete;
    Anchor& operator=(const Anchor&) = delete;

    [[nodiscard]] Weak weak() const { return Weak(owner_); }
    /// Nobody finds the object any more. On the object's thread.
    void let_go() { *owner_ = nullptr; }

  private:
    const std::shared_ptr<T*> owner_;
};

}  // namespace scheduler
