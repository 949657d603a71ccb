#include "common/error.hpp"

#include <set>

#include <catch2/catch.hpp>

using namespace scheduler;

TEST_CASE("every error code is read back from its word, and no word stands twice", "[error]") {
    std::set<std::string_view> words;
    for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
        auto code = static_cast<ErrorCode>(i);
        CHECK(parse_error_code(to_string(code)) == code);
        CHECK(words.insert(to_string(code)).second);
    }
    CHECK_FALSE(parse_error_code("no_such_word"));
    CHECK_FALSE(parse_error_code(""));
}

TEST_CASE("the numbers of each error are those of the manual", "[error]") {
    auto [word, http, rpc, exit] =
        GENERATE(table<const char*, int, int, int>({{"bad_request", 400, -32602, 1},
                                                    {"bad_field", 400, -32602, 1},
                                                    {"unknown_field", 400, -32602, 1},
                                                    {"bad_time", 400, -32602, 1},
                                                    {"bad_date", 400, -32602, 1},
                                                    {"bad_json", 400, -32700, 1},
                                                    {"bad_rpc", 400, -32600, 1},
                                                    {"unauthorized", 401, -32001, 1},
                                                    {"forbidden", 403, -32003, 1},
                                                    {"job_not_found", 404, -32004, 4},
                                                    {"not_found", 404, -32601, 1},
                                                    {"job_running", 409, -32009, 1},
                                                    {"job_in_history", 409, -32009, 1},
                                                    {"job_not_running", 409, -32009, 1},
                                                    {"gone", 410, -32010, 1},
                                                    {"key_reused", 422, -32022, 1},
                                                    {"method_not_allowed", 405, -32601, 1},
                                                    {"length_required", 411, -32602, 1},
                                                    {"too_large", 413, -32013, 1},
                                                    {"uri_too_long", 414, -32602, 1},
                                                    {"bad_media_type", 415, -32602, 1},
                                                    {"head_too_large", 431, -32602, 1},
                                                    {"busy", 503, -32029, 1},
                                                    {"unavailable", 503, -32030, 1},
                                                    {"disk_full", 507, -32031, 1},
                                                    {"internal", 500, -32603, 1}}));
    CAPTURE(word);
    auto code = parse_error_code(word);
    REQUIRE(code);
    CHECK(facts(*code).http_status == http);
    CHECK(facts(*code).rpc_code == rpc);
    CHECK(facts(*code).exit_code == exit);
}
