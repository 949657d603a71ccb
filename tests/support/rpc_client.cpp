#include "tests/support/rpc_client.hpp"

namespace scheduler::test {

int RpcClient::send(const std::string& method, const nlohmann::json& params) {
    nlohmann::json request = {
        {"jsonrpc", "2.0"}, {"id", ++last_id_}, {"method", method}, {"params", params}};
    socket_.send(request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
    return last_id_;
}

nlohmann::json RpcClient::read() {
    std::string line = socket_.read_until("\n");
    return line.empty() ? nlohmann::json() : nlohmann::json::parse(line);
}

nlohmann::json RpcClient::call(const std::string& method, const nlohmann::json& params) {
    send(method, params);
    return read();
}

nlohmann::json RpcClient::send_line(const std::string& line) {
    socket_.send(line + '\n');
    return read();
}

}  // namespace scheduler::test
