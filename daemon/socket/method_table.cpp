#include "daemon/socket/method_table.hpp"

#include <algorithm>
#include <concepts>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/json.hpp"
#include "common/operations.hpp"
#include "daemon/base/sure_reply.hpp"
#include "daemon/service/service.hpp"

namespace scheduler {
namespace {

/// Takes a typed result, on any thread, to `executor`, and makes it JSON there: not on the store's
/// writer.
template <class Response>
Reply<Response> encode_on(asio::any_io_executor executor, Reply<std::string> reply) {
    return sure_reply<Response>(
        [executor, reply = std::move(reply)](Result<Response> result) mutable {
            asio::post(executor, [reply = std::move(reply), result = std::move(result)]() mutable {
                if (result)
                    reply(encode(*result));
                else
                    reply(fail(std::move(result).error()));
            });
        });
}

template <class Item>
class EncodedStream final : public TextStream {
  public:
    explicit EncodedStream(std::unique_ptr<Stream<Item>> items) : items_(std::move(items)) {}

    void next(asio::any_io_executor executor, Reply<std::optional<std::string>> reply) override {
        auto complete = [executor,
                         reply = std::move(reply)](Result<std::optional<Item>> item) mutable {
            asio::post(executor, [reply = std::move(reply), item = std::move(item)]() mutable {
                if (!item) return reply(fail(std::move(item).error()));
                reply(*item ? std::optional(encode(**item)) : std::nullopt);
            });
        };
        items_->next(sure_reply<std::optional<Item>>(std::move(complete)));
    }
    void cancel() override { items_->cancel(); }

  private:
    std::unique_ptr<Stream<Item>> items_;
};

/// A write completes by a reply; slow reads do as well, but change nothing.
template <class Request>
constexpr bool is_write() {
    if constexpr (StreamingOperation<Request>)
        return false;
    else if constexpr (SlowRead<Request>)
        return false;
    else
        return requires(Service & service,
                        Request request,
                        Caller caller,
                        Reply<typename Request::Response> reply) {
            service.handle(request, caller, std::move(reply));
        };
}

template <class Request>
constexpr Method::Kind kind_of() {
    if (!is_write<Request>()) return Method::Kind::read;
    return requires(Request request) {
        request.job_id;
    }
    ? Method::Kind::change : Method::Kind::write;
}

template <class Request>
Method method_of(Service& service) {
    Method method;
    if constexpr (StreamingOperation<Request>) {
        method.kind = Method::Kind::stream;
        method.open = [&service](const RpcCall& rpc,
                                 const Caller& caller) -> Result<std::unique_ptr<TextStream>> {
            service.metrics().count_socket_request();
            auto request = decode_params<Request>(rpc);
            if (!request) return fail(request.error());
            auto items = service.handle(*request, caller);
            if (!items) return fail(items.error());
            using Encoded = EncodedStream<typename Request::Item>;
            return std::unique_ptr<TextStream>(std::make_unique<Encoded>(std::move(*items)));
        };
    } else {
        method.kind = kind_of<Request>();
        method.is_setting = SettingOperation<Request>;
        method.begin = [&service](const RpcCall& rpc,
                                  const Caller& caller,
                                  asio::any_io_executor executor,
                                  Reply<std::string> reply) -> WaitToken {
            auto typed =
                encode_on<typename Request::Response>(std::move(executor), std::move(reply));
            service.metrics().count_socket_request();
            auto request = decode_params<Request>(rpc);
            if (request) return call(service, *request, caller, std::move(typed));
            typed(fail(request.error()));
            return nullptr;
        };
    }
    return method;
}

std::string known_methods(const Methods& methods) {
    std::vector<std::string_view> names;
    for (const auto& [name, method] : methods)
        if (name != AddBatchRequest::method) names.push_back(name);
    std::sort(names.begin(), names.end());
    return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

Methods socket_methods(Service& service) {
    Methods methods;
    Operations::for_each(
        [&]<class Request>() { methods.emplace(Request::method, method_of<Request>(service)); });
    return methods;
}

Result<const Method*> find_method(const Methods& methods, const RpcCall& call) {
    std::string_view name = call.method;
    if (name == AddRequest::method && call.has_jobs)
        name = AddBatchRequest::method;
    else if (name == AddBatchRequest::method)
        name = "";
    if (auto found = methods.find(name); found != methods.end()) return &found->second;
    return fail(ErrorCode::not_found,
                fmt::format("there is no method \"{}\"; there are {}",
                            call.method.substr(0, 64),
                            known_methods(methods)));
}

}  // namespace scheduler
