#include "common/json.hpp"

#include <set>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "common/operations.hpp"

using namespace scheduler;
using Catch::Matchers::Contains;

namespace {

/// A value of each member type, and of structs member by member, with nothing left out.
struct Filler {
    template <class T>
    static void fill(T& value) {
        if constexpr (OptionalType<T>) {
            fill(value.emplace());
        } else if constexpr (std::same_as<T, std::string>) {
            value = "caf\xc3\xa9 \"quoted\" \\ \n\t \x7f \xf0\x9f\x95\x91";
        } else if constexpr (std::same_as<T, bool>) {
            value = true;
        } else if constexpr (IntegerType<T>) {
            value = std::numeric_limits<T>::max();
        } else if constexpr (std::same_as<T, JobStatus>) {
            value = JobStatus::running;
        } else if constexpr (std::same_as<T, FinishStatus>) {
            value = FinishStatus::timed_out;
        } else if constexpr (std::same_as<T, LogStream>) {
            value = LogStream::err;
        } else if constexpr (std::same_as<T, Span>) {
            value.length = std::chrono::minutes(90);
        } else if constexpr (std::same_as<T, Size>) {
            value.bytes = std::uint64_t{1536} << 20U;
        } else if constexpr (std::same_as<T, Cpus>) {
            value.nano = 1'000'000'001;
        } else if constexpr (std::same_as<T, Ulimit>) {
            value = {"nofile", 1024, -1};
        } else if constexpr (std::same_as<T, Gpus>) {
            value.devices = {"0", "1"};
        } else if constexpr (std::same_as<T, Backoff>) {
            value = Backoff::exponential;
        } else if constexpr (std::same_as<T, MountType>) {
            value = MountType::bind;
        } else if constexpr (std::same_as<T, Instant>) {
            value = Instant::parse("2027-06-20T20:00:00.123Z").value();
        } else if constexpr (std::same_as<T, ListPlace>) {
            fill(value.job);
            value.position = ListPosition{2, -5, 42};
        } else if constexpr (std::same_as<T, JobRef>) {
            value.text = "last";
        } else if constexpr (std::same_as<T, Base64Bytes>) {
            value.bytes = std::string("\0\xff\n", 3);
        } else if constexpr (std::same_as<T, JobId> || std::same_as<T, ScheduleId>) {
            value = T(make_uuid_v7(0x018f00112233U, 0x456, 0x789abcdef0123456U));
        } else if constexpr (VectorType<T>) {
            fill(value.emplace_back());
            fill(value.emplace_back());
        } else if constexpr (StringMapType<T>) {
            fill(value["A"]);
            fill(value["B c"]);
        } else {
            Filler filler;
            T::fields(value, filler);
        }
    }

    template <class T>
    void operator()(std::string_view, T& member, std::string_view) {
        fill(member);
    }
    template <class T>
    void with_default(std::string_view, T& member, std::string_view) {
        fill(member);
    }
    template <class T>
    void unless_empty(std::string_view, T& member, std::string_view) {
        fill(member);
    }
};

template <class T>
T filled() {
    T value{};
    Filler::fill(value);
    return value;
}

template <class T>
void check_round_trip() {
    auto text = encode(filled<T>());
    CAPTURE(text);
    for (std::string_view name : field_names<T>())
        CHECK_THAT(text, Contains("\"" + std::string(name) + "\":"));
    auto value = decode<T>(text);
    if (!value) FAIL(value.error().message);
    CHECK(encode(*value) == text);
}

template <class T>
Error decode_error(std::string_view text) {
    auto value = decode<T>(text);
    if (value) FAIL("taken: " << text);
    return value.error();
}

template <class T>
Error form_error(const FormFields& form) {
    auto value = decode_form<T>(form);
    if (value) FAIL("the form was taken");
    return value.error();
}

}  // namespace

TEST_CASE("each operation's request, response and item survives JSON both ways", "[json]") {
    Operations::for_each([]<class Request>() {
        INFO(Request::method);
        check_round_trip<Request>();
        if constexpr (StreamingOperation<Request>)
            check_round_trip<typename Request::Item>();
        else
            check_round_trip<typename Request::Response>();
    });
}

TEST_CASE("an operation has one name, and each of its fields too", "[json]") {
    std::set<std::string_view> methods;
    Operations::for_each([&]<class Request>() {
        CHECK(methods.insert(Request::method).second);
        auto names = field_names<Request>();
        CHECK(std::set<std::string_view>(names.begin(), names.end()).size() == names.size());
    });
}

TEST_CASE("fields that hold nothing are left out, and may be left out", "[json]") {
    AddRequest request;
    request.job_name = "alpine";
    CHECK(encode(request) == R"({"job_name":"alpine"})");
    auto again = decode<AddRequest>(R"({"job_name":"alpine"})");
    REQUIRE(again);
    CHECK(again->spec == JobSpec{});
    CHECK_FALSE(again->time);
    CHECK_FALSE(again->dry_run);
}

TEST_CASE("a job in the answer has the original fields first", "[json]") {
    auto text = encode(filled<Job>());
    std::size_t before = 0;
    for (const char* name : {"id",
                             "job_name",
                             "scheduled_in",
                             "scheduled_to",
                             "status",
                             "finish_status",
                             "finish_date"}) {
        auto place = text.find("\"" + std::string(name) + "\":");
        REQUIRE(place != std::string::npos);
        CHECK(place > before);
        before = place;
    }
}

TEST_CASE("a field of the wrong type is refused with its name and both types", "[json]") {
    auto [text, expected] = GENERATE(table<const char*, const char*>(
        {{R"({"job_name":1})", "job_name must be a string, not number"},
         {R"({"job_name":null})", "job_name must be a string, not null"},
         {R"({"job_name":["a"]})", "job_name must be a string, not array"},
         {R"({"job_name":"a","time":5})", "time must be a string, not number"},
         {R"({"job_name":"a","dry_run":"yes"})", "dry_run must be true or false, not string"},
         {R"({"job_name":"a","command":"echo hi"})",
          "command must be an array with one word an element"},
         {R"({"job_name":"a","command":{"a":1}})", "command must be an array, not object"},
         {R"({"job_name":"a","command":["a",1]})", "command[1] must be a string, not number"},
         {R"({"job_name":"a","env":["A=1"]})", "env must be an object of strings, not array"},
         {R"({"job_name":"a","env":{"A":1}})", "env.A must be a string, not number"},
         {R"({"job_name":"a","timeout":60})", "timeout must be a string, not number"},
         {R"([])", "the request must be an object, not array"},
         {R"("a")", "the request must be an object, not string"},
         {R"(null)", "the request must be an object, not null"}}));
    CAPTURE(text);
    auto error = decode_error<AddRequest>(text);
    CHECK(error.code == ErrorCode::bad_field);
    CHECK_THAT(error.message, Contains(expected));
}

TEST_CASE("a field of a type of ours keeps its own error, with the field's name", "[json]") {
    auto error = decode_error<AddRequest>(R"({"job_name":"a","timeout":"2h30m"})");
    CHECK(error.code == ErrorCode::bad_time);
    CHECK_THAT(error.message, Catch::Matchers::StartsWith("timeout \"") && Contains("2h30m"));
    CHECK_THAT(decode_error<ListRequest>(R"({"status":["done"]})").message,
               Contains("status[0]") && Contains("done"));
    CHECK(decode_error<ShowRequest>(R"({"job_id":"a b"})").code == ErrorCode::bad_field);
}

TEST_CASE("a whole number must be whole and fit", "[json]") {
    for (const char* text :
         {R"({"limit":1.5})", R"({"limit":"5"})", R"({"limit":true})", R"({"limit":1e2})"})
        CHECK_THAT(decode_error<ListRequest>(text).message,
                   Contains("limit must be a whole number"));
    CHECK_THAT(decode_error<ListRequest>(R"({"limit":9223372036854775808})").message,
               Contains("limit is too large"));
    CHECK_THAT(decode_error<ListRequest>(R"({"limit":99999999999999999999999})").message,
               Contains("limit is too large"));
    CHECK(decode_error<ListRequest>(R"({"limit":1.0})").message ==
          "limit must be a whole number, written without fraction or exponent, not 1.0");
    CHECK(decode<ListRequest>(R"({"limit":9223372036854775807})")->limit == 9223372036854775807);
    CHECK(decode<ListRequest>(R"({"limit":-1})")->limit == -1);
}

TEST_CASE("a missing field is named", "[json]") {
    CHECK(decode_error<AddRequest>("{}").message == "job_name is missing");
    CHECK(decode_error<RemoveRequest>("{}").message == "job_id is missing");
    CHECK_THAT(decode_error<AddBatchRequest>(R"({"jobs":[{"job_name":"a"},{}]})").message,
               Contains("jobs[1].job_name"));
}

TEST_CASE("an unknown field is named, with those that are known", "[json]") {
    auto error = decode_error<AddRequest>(R"({"job_name":"a","tmie":"2m"})");
    CHECK(error.code == ErrorCode::unknown_field);
    CHECK_THAT(error.message, Contains("\"tmie\"") && Contains("job_name, time, date"));
    CHECK_THAT(decode_error<StatusRequest>(R"({"a":1})").message, Contains("known are none"));
    CHECK_THAT(decode_error<AddBatchRequest>(R"({"jobs":[{"job_name":"a","x":1}]})").message,
               Contains("jobs[0].x"));
}

TEST_CASE("a field of a later version is refused by its name", "[json]") {
    for (const char* name : {"pull", "registry_auth", "keep", "after"}) {
        auto error =
            decode_error<AddRequest>(R"({"job_name":"a",")" + std::string(name) + R"(":"1"})");
        CHECK(error.code == ErrorCode::unknown_field);
        CHECK_THAT(error.message, Contains(name) && Contains("not supported by this version"));
    }
}

TEST_CASE("a field given twice is refused, wherever it stands", "[json]") {
    for (const char* text : {R"({"job_name":"a","job_name":"a"})",
                             R"({"job_name":"a","env":{"A":"1","A":"2"}})",
                             R"({"job_name":"a","job\u005fname":"b"})"}) {
        CAPTURE(text);
        auto error = decode_error<AddRequest>(text);
        CHECK(error.code == ErrorCode::bad_json);
        CHECK_THAT(error.message, Contains("given twice"));
    }
    CHECK(decode<AddBatchRequest>(R"({"jobs":[{"job_name":"a"},{"job_name":"a"}]})"));
}

TEST_CASE("a field given twice is found among few and among many", "[json]") {
    auto count = GENERATE(1, 31, 32, 33, 1000);
    std::string text = R"({"job_name":"a","env":{)";
    for (int i = 0; i < count; ++i)
        text += fmt::format(R"("A{}":"",)", i);
    CHECK(decode<AddRequest>(text + R"("B":""}})"));
    for (int twice : {0, count - 1}) {
        auto error = decode_error<AddRequest>(text + fmt::format(R"("A{}":""}}}})", twice));
        CHECK(error.code == ErrorCode::bad_json);
        CHECK_THAT(error.message, Contains(fmt::format("\"A{}\" is given twice", twice)));
    }
}

TEST_CASE("what is no JSON is refused with the place", "[json]") {
    for (const char* text : {"",
                             " ",
                             "{",
                             "{]",
                             R"({"a":})",
                             R"({"job_name":"a"} x)",
                             R"({"job_name":"a",})",
                             R"({'job_name':'a'})",
                             R"({"job_name":"a)",
                             "{\"job_name\":\"a\nb\"}",
                             "nul",
                             "[1,]",
                             R"({"job_name":NaN})",
                             R"({"job_name":"\ud800"})",
                             R"({"job_name":"\x41"})"}) {
        CAPTURE(text);
        auto error = decode_error<AddRequest>(text);
        CHECK(error.code == ErrorCode::bad_json);
        CHECK_THAT(error.message,
                   Contains("not valid JSON") && !Contains("nlohmann") && !Contains("exception"));
    }
}

TEST_CASE("invalid UTF-8 and NUL are refused", "[json]") {
    CHECK(decode_error<AddRequest>("{\"job_name\":\"\xff\"}").code == ErrorCode::bad_json);
    CHECK(decode_error<AddRequest>("{\"job_name\":\"\xc0\x80\"}").code == ErrorCode::bad_json);
    CHECK_THAT(decode_error<AddRequest>(R"({"job_name":"a\u0000b"})").message, Contains("NUL"));
    CHECK_THAT(decode_error<AddRequest>(R"({"job_name":"a","env":{"A\u0000":"b"}})").message,
               Contains("NUL"));
}

TEST_CASE("nesting is refused beyond its limit, however deep", "[json]") {
    auto nested = [](int depth) {
        return std::string(static_cast<std::size_t>(depth), '[') +
               std::string(static_cast<std::size_t>(depth), ']');
    };
    CHECK(JsonDocument::parse(nested(JsonLimits::depth)));
    auto document = JsonDocument::parse(nested(JsonLimits::depth + 1));
    REQUIRE_FALSE(document);
    CHECK_THAT(document.error().message, Contains("nested deeper"));
    CHECK_FALSE(JsonDocument::parse(nested(100000)));
    CHECK_FALSE(JsonDocument::parse(std::string(1000000, '[')));
}

TEST_CASE("a form is read like JSON", "[json]") {
    auto request = decode_form<AddRequest>({{"job_name", "\"JOB_B\""},
                                            {"time", "2m"},
                                            {"command", "sh"},
                                            {"command", "-c"},
                                            {"command", "echo hi"},
                                            {"env", "A=1"},
                                            {"env", "B=x=y"},
                                            {"env", "C="},
                                            {"timeout", "10m"},
                                            {"dry_run", "true"}});
    REQUIRE(request);
    CHECK(request->job_name == "\"JOB_B\"");
    CHECK(request->time == "2m");
    CHECK(request->spec.command == std::vector<std::string>{"sh", "-c", "echo hi"});
    CHECK(request->spec.env ==
          std::map<std::string, std::string>{{"A", "1"}, {"B", "x=y"}, {"C", ""}});
    CHECK(request->spec.timeout->length == std::chrono::minutes(10));
    CHECK(request->dry_run);
}

TEST_CASE("each field of a specification is read and written back", "[json]") {
    const std::string text =
        R"({"job_name":"a","image":"i:1","entrypoint":["/bin/sh"],"command":["-c","x"],)"
        R"("env":{"A":"1"},"workdir":"/data","user":"1000:1000","labels":{"team":"x=y"},)"
        R"("hostname":"h","memory":"512MiB","cpus":1.5,"pids_limit":100,"shm_size":"1GiB",)"
        R"("ulimits":["nofile=1024:2048","core=0"],"network":"none",)"
        R"("mounts":[{"type":"bind","source":"/etc","target":"/e","read_only":true},)"
        R"({"type":"volume","target":"/v"}],"tmpfs":{"/run":"","/tmp":"size=1m"},"read_only":true,)"
        R"("cap_add":["NET_ADMIN"],"cap_drop":["ALL"],"security_opt":["no-new-privileges"],)"
        R"("init":false,"gpus":"device=0,1","timeout":"10m","stop_grace":"30s","priority":-5,)"
        R"("group":"g","expires":"5m","log_limit":"1MiB",)"
        R"("retries":{"max":3,"delay":"5s","backoff":"exponential","on":["failed","lost"]}})";
    auto request = decode<AddRequest>(text);
    if (!request) FAIL(request.error().message);
    CHECK(encode(*request) == text);
    const JobSpec& spec = request->spec;
    CHECK(spec.memory->bytes == std::uint64_t{512} << 20U);
    CHECK(spec.cpus->nano == 1'500'000'000);
    CHECK(spec.ulimits.front() == Ulimit{"nofile", 1024, 2048});
    CHECK(spec.mounts.front() == Mount{MountType::bind, "/etc", "/e", true});
    CHECK(spec.init == false);
    // Every field is there, so that none is forgotten here.
    for (std::string_view name : field_names<JobSpec>())
        CHECK_THAT(text, Contains(fmt::format("\"{}\":", name)));
    CHECK(*decode<JobSpec>(encode(spec)) == spec);
}

TEST_CASE("a specification of an earlier version is read, and grows nothing", "[json]") {
    const std::string old = R"({"image":"i:1","command":["x"],"env":{"A":"1"},"timeout":"10m"})";
    auto spec = decode<JobSpec>(old);
    REQUIRE(spec);
    CHECK(encode(*spec) == old);
    CHECK(encode(JobSpec{}) == "{}");
    CHECK(decode<JobSpec>(R"({"image":"i:1","a_later_field":1})"));
}

TEST_CASE("a number of CPUs is a number or a string, exact either way", "[json]") {
    auto nano = [](const std::string& json) {
        return decode<AddRequest>(R"({"job_name":"a","cpus":)" + json + '}')->spec.cpus->nano;
    };
    CHECK(nano("2") == 2'000'000'000);
    CHECK(nano("0.1") == 100'000'000);
    CHECK(nano("\"0.1\"") == 100'000'000);
    CHECK(nano("65535.999999999") == 65'535'999'999'999);
    CHECK(nano("1e1") == 10'000'000'000);
    for (auto [json, message] : {std::pair{"-1", "cpus \"-1\" is not a decimal number"},
                                 {"1e300", "cpus \"1e+300\" is not a decimal number"},
                                 {"true", "cpus must be a number such as 1.5, not boolean"},
                                 {"[]", "cpus must be a number such as 1.5, not array"},
                                 {"\"x\"", "cpus \"x\" is not a decimal number"}})
        CHECK_THAT(decode_error<AddRequest>(R"({"job_name":"a","cpus":)" + std::string(json) + '}')
                       .message,
                   Contains(message));
}

TEST_CASE("a typo inside a mount is refused, in an answer it is not known", "[json]") {
    const std::string mount = R"({"type":"bind","source":"/a","target":"/b","readonly":true})";
    auto error = decode_error<AddRequest>(R"({"job_name":"a","mounts":[)" + mount + "]}");
    CHECK(error.code == ErrorCode::unknown_field);
    CHECK(error.message ==
          "\"mounts[0].readonly\" is not a known field; known are type, source, target, read_only");
    CHECK(decode<JobSpec>(R"({"mounts":[)" + mount + "]}"));
    for (auto [bad, message] : {std::pair{R"({"target":"/b"})", "mounts[0].type is missing"},
                                {R"({"type":"bind","source":"/a"})", "mounts[0].target is missing"},
                                {R"({"type":"nfs","target":"/b"})",
                                 "mounts[0].type \"nfs\" is not one of bind, volume, tmpfs"},
                                {R"({"type":"bind","target":"/b","read_only":"yes"})",
                                 "mounts[0].read_only must be true or false, not string"},
                                {R"("/a:/b")", "mounts[0] must be an object, not string"}})
        CHECK(decode_error<AddRequest>(R"({"job_name":"a","mounts":[)" + std::string(bad) + "]}")
                  .message == message);
}

TEST_CASE("a value of another type is told with one that fits", "[json]") {
    for (auto [field, message] :
         {std::pair{R"("memory":536870912)",
                    "memory must be a string such as \"512MiB\", not number"},
          {R"("ulimits":{"nofile":1024})", "ulimits must be an array, not object"},
          {R"("ulimits":[5])",
           "ulimits[0] must be a string such as \"nofile=1024:2048\", not number"},
          {R"("gpus":1)", "gpus must be a string such as \"all\", not number"},
          {R"("pids_limit":"100")", "pids_limit must be a whole number, not string"},
          {R"("tmpfs":["/run"])", "tmpfs must be an object of strings, not array"},
          {R"("labels":["a=b"])", "labels must be an object of strings, not array"},
          {R"("init":"yes")", "init must be true or false, not string"},
          {R"("entrypoint":"sh -c")",
           "entrypoint must be an array with one word an element, such as "
           "[\"sh\",\"-c\",\"echo hi\"], not one string"}})
        CHECK(decode_error<AddRequest>(R"({"job_name":"a",)" + std::string(field) + '}').message ==
              message);
}

TEST_CASE("a form holds all of a specification but its mounts", "[json]") {
    auto request = decode_form<AddRequest>({{"job_name", "a"},
                                            {"entrypoint", "/bin/sh"},
                                            {"labels", "team=x=y"},
                                            {"labels", "b="},
                                            {"memory", "512m"},
                                            {"cpus", "0.5"},
                                            {"pids_limit", "-1"},
                                            {"ulimits", "core=0"},
                                            {"ulimits", "nofile=1:2"},
                                            {"tmpfs", "/run"},
                                            {"tmpfs", "/tmp:size=1m,mode=1777"},
                                            {"read_only", "true"},
                                            {"init", "false"},
                                            {"cap_drop", "ALL"},
                                            {"gpus", "all"},
                                            {"stop_grace", "1m"}});
    if (!request) FAIL(request.error().message);
    using Map = std::map<std::string, std::string>;
    CHECK(request->spec.labels == Map{{"team", "x=y"}, {"b", ""}});
    CHECK(request->spec.tmpfs == Map{{"/run", ""}, {"/tmp", "size=1m,mode=1777"}});
    CHECK(request->spec.cpus->nano == 500'000'000);
    CHECK(request->spec.pids_limit == -1);
    CHECK(request->spec.ulimits.size() == 2);
    CHECK(request->spec.read_only == true);
    CHECK(request->spec.init == false);
    for (auto [name, text, message] :
         {std::tuple{"mounts", "/a:/b", "mounts can't be written in a form; send JSON"},
          {"entrypoint",
           "sh -c",
           "entrypoint is one string with blanks; repeat the field, one word each "
           "(entrypoint=sh&entrypoint=-c&…)"},
          {"labels", "team", "labels must be NAME=VALUE, not \"team\""},
          {"pids_limit", "many", "pids_limit must be a whole number, not \"many\""},
          {"init", "maybe", "init must be true or false, not \"maybe\""}})
        CHECK(decode_form<AddRequest>({{"job_name", "a"}, {name, text}}).error().message ==
              message);
}

TEST_CASE("a query is read like a form", "[json]") {
    auto request =
        decode_form<ListRequest>({{"status", "running"}, {"status", "scheduled"}, {"limit", "5"}});
    REQUIRE(request);
    CHECK(request->status == std::vector{JobStatus::running, JobStatus::scheduled});
    CHECK(request->limit == 5);
    CHECK(decode_form<LogsRequest>({{"job_id", "1"}, {"follow", ""}})->follow);
    CHECK_FALSE(decode_form<LogsRequest>({{"job_id", "1"}, {"follow", "0"}})->follow);
}

TEST_CASE("a bad form is refused with the field's name", "[json]") {
    auto [form, code, expected] = GENERATE(table<FormFields, ErrorCode, const char*>(
        {{{}, ErrorCode::bad_field, "job_name is missing"},
         {{{"job_name", "a"}, {"job_name", "a"}}, ErrorCode::bad_field, "job_name is given twice"},
         {{{"job_name", "a"}, {"tmie", "2m"}}, ErrorCode::unknown_field, "\"tmie\""},
         {{{"job_name", "a"}, {"pull", "always"}},
          ErrorCode::unknown_field,
          "pull is not supported"},
         {{{"job_name", "a"}, {"retries", "1"}},
          ErrorCode::bad_field,
          "retries can't be written in a form; send JSON"},
         {{{"job_name", "\xff"}}, ErrorCode::bad_field, "job_name is not valid UTF-8"},
         {{{"job_name", std::string("a\0b", 3)}},
          ErrorCode::bad_field,
          "job_name is not valid UTF-8"},
         {{{"job_name", "a"}, {"command", "echo hi"}},
          ErrorCode::bad_field,
          "command is one string with blanks"},
         {{{"job_name", "a"}, {"env", "A"}}, ErrorCode::bad_field, "env must be NAME=VALUE"},
         {{{"job_name", "a"}, {"env", "=1"}}, ErrorCode::bad_field, "env must be NAME=VALUE"},
         {{{"job_name", "a"}, {"env", "A=1"}, {"env", "A=2"}},
          ErrorCode::bad_field,
          "env gives A twice"},
         {{{"job_name", "a"}, {"timeout", "soon"}}, ErrorCode::bad_time, "timeout \"soon\" does"},
         {{{"job_name", "a"}, {"dry_run", "maybe"}},
          ErrorCode::bad_field,
          "dry_run must be true or false"}}));
    auto error = form_error<AddRequest>(form);
    CHECK(error.code == code);
    CHECK_THAT(error.message, Contains(expected));
}

TEST_CASE("a number in a query must be whole and fit", "[json]") {
    for (const char* text : {"", "x", "1.5", " 1", "1 ", "+1", "0x1", "9223372036854775808"})
        CHECK_THAT(form_error<ListRequest>({{"limit", text}}).message,
                   Contains("limit must be a whole number"));
    CHECK(decode_form<ListRequest>({{"limit", "-1"}})->limit == -1);
}

TEST_CASE("a name of a form field that is no UTF-8 is refused, not echoed", "[json]") {
    auto error = form_error<AddRequest>({{"\xff\xfe", "a"}});
    CHECK(is_valid_utf8(error.message));
}

TEST_CASE("the error body is the message alone, and always valid JSON", "[json]") {
    CHECK(encode_error_body({ErrorCode::job_not_found, "job with id X not found"}) ==
          R"({"message":"job with id X not found"})");
    CHECK(encode_error_body({ErrorCode::internal, "a \"b\" \\ \n \xff"}) ==
          "{\"message\":\"a \\\"b\\\" \\\\ \\n \xef\xbf\xbd\"}");
}

TEST_CASE("UTF-8 is checked after RFC 3629", "[json]") {
    for (const char* text : {"",
                             "abc",
                             "\x7f",
                             "\xc2\x80",
                             "\xdf\xbf",
                             "\xe0\xa0\x80",
                             "\xed\x9f\xbf",
                             "\xee\x80\x80",
                             "\xef\xbf\xbf",
                             "\xf0\x90\x80\x80",
                             "\xf4\x8f\xbf\xbf",
                             "a\xc3\xa9z"})
        CHECK(is_valid_utf8(text));
    CHECK(is_valid_utf8(std::string_view("\0", 1)));
    for (const char* text : {"\x80",
                             "\xbf",
                             "\xc0\x80",
                             "\xc1\xbf",
                             "\xc2",
                             "\xc2z",
                             "\xe0\x80\x80",
                             "\xe0\x9f\xbf",
                             "\xe2\x82",
                             "\xed\xa0\x80",
                             "\xed\xbf\xbf",
                             "\xf0\x80\x80\x80",
                             "\xf0\x8f\xbf\xbf",
                             "\xf0\x9f\x95",
                             "\xf4\x90\x80\x80",
                             "\xf5\x80\x80\x80",
                             "\xff",
                             "\xfe",
                             "a\xc3"}) {
        CAPTURE(text);
        CHECK_FALSE(is_valid_utf8(text));
    }
}
