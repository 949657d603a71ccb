#pragma once
/// A stream that is read in place and, at the end of what there is, waits to be woken: what logs
/// and event subscriptions have in common. `produce` runs on the thread that asks, or on the
/// `readers` executor after a wake; never two at a time.

#include <memory>
#include <mutex>
#include <optional>

#include "daemon/base/stream.hpp"
#include "daemon/dispatch/event_hub.hpp"

namespace scheduler {

/// What a read gave: an item, the end, or nothing yet.
template <class Item>
struct Produced {
    std::optional<Item> item;
    bool is_end = false;
};

template <class Item>
class TailSource {
  public:
    virtual ~TailSource() = default;
    virtual Result<Produced<Item>> produce() = 0;
};

template <class Item>
class TailStream final : public Stream<Item> {
  public:
    TailStream(std::unique_ptr<TailSource<Item>> source, Executor& readers)
        : state_(std::make_shared<State>(std::move(source), readers)) {}
    ~TailStream() override { cancel(); }

    /// What others call, on any thread, when there may be more to read.
    EventHub::Wake wake() {
        return [weak = std::weak_ptr(state_)] {
            auto state = weak.lock();
            if (!state) return;
            state->readers.post([weak] {
                if (auto alive = weak.lock()) alive->pump();
            });
        };
    }
    /// Wakes it when `job` (or any job) changes. Before the first `next`. Errors: busy.
    Result<Done> watch(EventHub& events, std::optional<JobId> job) {
        auto token = events.watch(job, wake());
        if (!token) return fail(token.error());
        state_->token = std::move(*token);
        return Done{};
    }

    void next(Reply<std::optional<Item>> reply) override {
        {
            std::lock_guard lock(state_->mutex);
            state_->waiting = std::move(reply);
        }
        state_->pump();
    }

    void cancel() override {
        Reply<std::optional<Item>> reply;
        {
            std::lock_guard lock(state_->mutex);
            state_->is_canceled = true;
            state_->token.reset();
            reply = std::exchange(state_->waiting, {});
        }
        if (reply) reply(std::optional<Item>());
    }

  private:
    struct State {
        State(std::unique_ptr<TailSource<Item>> from, Executor& where)
            : source(std::move(from)), readers(where) {}

        void pump() {
            Reply<std::optional<Item>> reply;
            std::optional<Result<std::optional<Item>>> answer;
            {
                std::lock_guard lock(mutex);
                if (!waiting) return;
                answer = read();
                if (!answer) return;
                reply = std::exchange(waiting, {});
            }
            reply(std::move(*answer));
        }

        /// Nothing: there is no answer yet.
        std::optional<Result<std::optional<Item>>> read() {
            if (is_canceled) return Result<std::optional<Item>>(std::optional<Item>());
            auto produced = source->produce();
            if (!produced) return Result<std::optional<Item>>(fail(produced.error()));
            if (produced->item || produced->is_end)
                return Result<std::optional<Item>>(std::move(produced->item));
            return std::nullopt;
        }

        std::mutex mutex;
        std::unique_ptr<TailSource<Item>> source;  ///< guarded by mutex
        Executor& readers;
        EventHub::Token token;               ///< guarded by mutex, once reading began
        Reply<std::optional<Item>> waiting;  ///< guarded by mutex
        bool is_canceled = false;            ///< guarded by mutex
    };
    std::shared_ptr<State> state_;
};

}  // namespace scheduler
