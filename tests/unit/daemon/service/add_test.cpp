/// What a submit says about images, with the engine's answers in the test's hand.

#include <set>

#include "daemon/service/service.hpp"
#include "tests/support/service_world.hpp"

namespace scheduler {
namespace {

using namespace test;

struct AddWorld : ServiceWorld {
    AddBatchResponse add(const std::vector<std::string>& names) {
        AddBatchRequest request;
        for (const std::string& name : names) {
            request.jobs.emplace_back();
            request.jobs.back().job_name = name;
            request.jobs.back().time = "1h";
        }
        std::optional<Result<AddBatchResponse>> answer;
        service.handle(request, Caller{"uid:1"}, [&](Result<AddBatchResponse> result) {
            answer.emplace(std::move(result));
        });
        executor.run();
        if (!answer) {  // the engine is silent: the time for its word passes
            clock.advance(500ms);
            executor.run();
        }
        REQUIRE(answer);
        INFO((*answer ? "" : answer->error().message));
        REQUIRE(*answer);
        return std::move(**answer);
    }
    [[nodiscard]] int asked() const { return engine.calls_of("has_image"); }
};

std::string warning(const AddResponse& response) {
    return response.warning.value_or("");
}

}  // namespace

TEST_CASE_METHOD(AddWorld, "each job of a batch is warned of a missing image", "[service]") {
    engine.missing_images = {"busybox:2", "alpine:3.20"};
    auto added = add({"busybox:2", "busybox:1", "busybox:2", "JOB_A", "alpine:3.20"});
    CHECK(warning(added.jobs[0]).find("the image docker.io/library/busybox:2 is not here") == 0);
    CHECK(warning(added.jobs[1]).empty());
    CHECK(warning(added.jobs[2]) == warning(added.jobs[0]));
    CHECK(warning(added.jobs[3]).find("neither a definition") != std::string::npos);
    CHECK(warning(added.jobs[4]).find("alpine:3.20 is not here") != std::string::npos);
    CHECK(asked() == 3);  // once for each image
}

TEST_CASE_METHOD(AddWorld, "a batch does not wait for a silent engine", "[service]") {
    engine.missing_images = {"busybox:1"};
    engine.is_silent_on_images = true;
    auto added = add({"busybox:1", "busybox:2"});
    CHECK(added.jobs.size() == 2);
    CHECK(warning(added.jobs[0]).empty());
}

TEST_CASE_METHOD(AddWorld, "the engine is asked for 32 images of a batch at most", "[service]") {
    auto names = [](std::size_t count) {
        std::vector<std::string> made;
        for (std::size_t i = 0; i < count; ++i)
            made.push_back("image" + std::to_string(i));
        return made;
    };
    auto size = GENERATE(as<std::size_t>(), 32, 33);
    for (const std::string& name : names(size))
        engine.missing_images.insert(name + ":latest");
    auto added = add(names(size));
    auto warned = std::count_if(added.jobs.begin(), added.jobs.end(), [](const auto& job) {
        return job.warning.has_value();
    });
    CHECK(asked() == 32);
    CHECK(warned == 32);
}

}  // namespace scheduler
