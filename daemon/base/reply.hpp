#pragma once
/// Reply<T>: the one completion of an asynchronous call. It is called at most once, on the thread
/// that the callee names; a reply that is destroyed without a call means that the callee was shut
/// down.

#include "common/result.hpp"
#include "daemon/base/executor.hpp"
#include "daemon/base/unique_function.hpp"

namespace scheduler {

template <class T, class E = Error>
using Reply = UniqueFunction<void(Result<T, E>)>;

/// The same reply, called on `executor`.
template <class T, class E = Error>
Reply<T, E> reply_on(Executor& executor, Reply<T, E> reply) {
    return [&executor, reply = std::move(reply)](Result<T, E> result) mutable {
        executor.post([reply = std::move(reply), result = std::move(result)]() mutable {
            reply(std::move(result));
        });
    };
}

}  // namespace scheduler
