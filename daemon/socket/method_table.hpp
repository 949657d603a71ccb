#pragma once
/// The methods of the socket by name, made from the list of operations: a new operation needs no
/// line here. What a method does is behind two functions that speak JSON text, so that a connection
/// knows no operation.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/rpc.hpp"
#include "daemon/base/asio.hpp"
#include "daemon/base/reply.hpp"
#include "daemon/service/caller.hpp"
#include "daemon/service/wait_token.hpp"

namespace scheduler {

class Service;

/// A stream of items as JSON text. One thread at a time, but for `cancel`.
class TextStream {
  public:
    virtual ~TextStream() = default;
    /// Replies on `executor` with the next item, or with nothing at the end. One call at a time.
    virtual void next(asio::any_io_executor executor, Reply<std::optional<std::string>> reply) = 0;
    /// Ends the stream: a pending `next` is answered with nothing. Any thread; may be called twice.
    virtual void cancel() = 0;
};

struct Method {
    enum class Kind {
        write,   ///< takes effect in the order of a connection's requests; several share a commit
        change,  ///< a write that looks its job up first, and so waits for the writes before it
        read,    ///< sees the writes before it; may take long to answer (`wait`)
        stream,  ///< the requests behind it wait for its end
    };
    using Begin = std::function<WaitToken(const RpcCall& call,
                                          const Caller& caller,
                                          asio::any_io_executor executor,
                                          Reply<std::string> reply)>;
    using Open = std::function<Result<std::unique_ptr<TextStream>>(const RpcCall& call,
                                                                   const Caller& caller)>;

    Kind kind = Kind::read;
    bool is_setting = false;  ///< a write that the requests behind it wait for
    Begin begin;              ///< of reads and writes: posts the result, as JSON, to `executor`
    Open open;                ///< of streams
};

using Methods = std::unordered_map<std::string_view, Method>;

/// The service outlives them.
Methods socket_methods(Service& service);

/// The method that a call names; `add` with the parameter `jobs` is the batch. Errors: not_found.
Result<const Method*> find_method(const Methods& methods, const RpcCall& call);

}  // namespace scheduler
