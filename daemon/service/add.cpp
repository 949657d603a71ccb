/// add: check a submission, say when it is due and what is odd about it, and store it.

#include <algorithm>
#include <array>
#include <mutex>
#include <set>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "common/image_reference.hpp"
#include "common/json.hpp"
#include "common/local_time.hpp"
#include "common/name.hpp"
#include "daemon/service/due.hpp"
#include "daemon/service/rights.hpp"
#include "daemon/service/service_parts.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;

/// How long a submit waits for the engine's word on an image. Only a warning hangs on it.
constexpr Duration image_answer_max = 500ms;

/// A submission that was checked, with what its answer says.
struct Checked {
    NewJob job;
    std::string when;  ///< the time or date as given; empty: the date that came of it
    std::vector<std::string> warnings;
    std::optional<std::string> past_warning;
    std::optional<std::string> image;  ///< full reference, where the engine can be asked for it
};

/// SHA-256 (FIPS 180-4) of the request as sent, but for its key.
std::string hash_of(AddRequest request) {
    request.key.reset();
    std::string text = encode(request);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
        return text;
    std::string hex;
    for (unsigned int i = 0; i < size; ++i)
        hex += fmt::format("{:02x}", digest[i]);
    return hex;
}

/// C0, DEL, and in valid UTF-8 C1 (U+0080 to U+009F: C2 80 to C2 9F), which terminals obey too.
bool has_control_characters(std::string_view text) {
    unsigned char last = 0;
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (byte < 32 || byte == 127 || (last == 0xC2 && byte < 0xA0)) return true;
        last = byte;
    }
    return false;
}

/// U+202A to U+202E and U+2066 to U+2069 (Unicode, UAX #9): with them a name shows as another one.
bool turns_direction(std::string_view text) {
    for (std::size_t i = 0; i + 3 <= text.size(); ++i) {
        std::string_view mark = text.substr(i, 3);
        if ((mark >= "\u202A" && mark <= "\u202E") || (mark >= "\u2066" && mark <= "\u2069"))
            return true;
    }
    return false;
}

Result<Done> check_job_name(const std::string& name) {
    if (name.find_first_not_of(' ') == std::string::npos)
        return fail(ErrorCode::bad_field,
                    "job_name is empty; give an image reference, such as alpine:3.20");
    if (name.size() > SpecLimits::job_name_bytes)
        return fail(ErrorCode::bad_field,
                    fmt::format("job_name is longer than {} bytes", SpecLimits::job_name_bytes));
    if (has_control_characters(name))
        return fail(ErrorCode::bad_field, "job_name holds control characters");
    if (turns_direction(name))
        return fail(ErrorCode::bad_field,
                    "job_name holds characters that turn the direction of text (U+202A to U+202E, "
                    "U+2066 to U+2069); leave them out");
    return Done{};
}

Result<Done> check_key(const std::optional<std::string>& key) {
    if (!key) return Done{};
    if (key->empty() || key->size() > AddRequest::key_bytes_max || has_control_characters(*key))
        return fail(ErrorCode::bad_field,
                    fmt::format("key must be 1 to {} characters without control characters",
                                AddRequest::key_bytes_max));
    return Done{};
}

/// Decides due_at; `when` is how the answer repeats it.
Result<Done> check_due(const AddRequest& request, bool refuse_past_dates, Checked& checked) {
    TimePoint now = checked.job.created_at;
    auto due = read_due(request.time, request.date, request.at, now);
    if (!due) return fail(due.error());
    auto past = check_past(*due, request.past_date, now, refuse_past_dates);
    if (!past) return fail(past.error());
    checked.job.due_at = due->at;
    checked.when = std::move(due->when);
    checked.past_warning = std::move(past->warning);
    if (!past->refusal) return Done{};
    // Only the store knows whether this is a repeat of a request that was in time.
    if (!request.key || request.dry_run) return fail(*past->refusal);
    checked.job.refusal = std::move(past->refusal);
    return Done{};
}

/// The moment as the answer repeats it.
std::string words_for_due(const Checked& checked, const std::string& local_date) {
    return checked.when.empty() ? local_date : checked.when;
}

/// Of what is run, whoever named it.
Result<Done> check_image(Checked& checked) {
    const auto& image = checked.job.spec.image;
    auto reference = image ? usable_image(*image) : parse_image_reference(checked.job.name);
    if (!reference && image) return fail(reference.error());
    if (reference)
        checked.image = *reference;
    else
        checked.warnings.push_back(
            fmt::format("{} is neither a definition nor a valid image reference ({}), so the job "
                        "will be failed when it is due",
                        checked.job.name,
                        reference.error().message));
    return Done{};
}

/// What a request begins from: a definition, a job that is repeated, or nothing.
struct Beginning {
    std::optional<Inherited> inherited = {};
    std::optional<std::int64_t> revision = {};
    std::optional<std::string> warning = {};
};

/// A job under another name runs what it ran, and its image is no longer its name.
Beginning repeat_of(const Job& job, const AddRequest& request) {
    Inherited before{*job.spec, fmt::format("job {}", job.number), job.submitted_by.value_or("")};
    if (job.job_name == request.job_name) return {std::move(before), job.definition_revision};
    if (!before.spec.image) before.spec.image = job.job_name;
    std::optional<std::string> warning;
    if (!request.spec.image)
        warning = fmt::format("it runs the image {} of job {}, and {} is only its name",
                              *before.spec.image,
                              job.number,
                              request.job_name);
    return {std::move(before), std::nullopt, std::move(warning)};
}

Result<Beginning> beginning_of(Store& store, const AddRequest& request, const Caller& caller) {
    if (request.from) {
        auto job = store.find(*request.from, caller.name);
        if (!job) return fail(job.error());
        return repeat_of(*job, request);
    }
    if (!is_name(request.job_name)) return Beginning{};
    auto found = store.definition(request.job_name);
    if (!found) return fail(found.error());
    if (!*found) return Beginning{};
    Definition& definition = **found;
    Inherited before{std::move(definition.spec),
                     "definition " + definition.name,
                     std::move(definition.updated_by)};
    return Beginning{std::move(before), definition.revision};
}

Result<Done> check_what(const Beginning& beginning,
                        const AddRequest& request,
                        const Caller& caller,
                        Checked& checked) {
    checked.job.definition_revision = beginning.revision;
    checked.job.spec = request.spec;
    auto may = check_rights(request.spec, caller);
    if (const auto& before = beginning.inherited) {
        auto kept = keep_hidden_values(checked.job.spec, &before->spec);
        if (!kept) return kept;
        checked.job.spec = overlay(before->spec, checked.job.spec);
        may = check_rights_over(*before, request.spec == JobSpec{}, request.spec, caller);
        // A definition is there to be run; what a job was is nobody else's to do again.
        if (may && request.from) may = check_rights(before->spec, caller);
    }
    if (beginning.warning) checked.warnings.push_back(*beginning.warning);
    if (auto ok = check_spec(checked.job.spec); !ok) return ok;
    return may ? check_image(checked) : may;
}

/// What is run: what the request begins from, with what is given over it.
Result<Done> check_what(Store& store,
                        const AddRequest& request,
                        const Caller& caller,
                        Checked& checked) {
    auto beginning = beginning_of(store, request, caller);
    auto ok = beginning ? check_what(*beginning, request, caller, checked)
                        : Result<Done>(fail(beginning.error()));
    bool is_plain = beginning && !beginning->inherited;
    if (ok || is_plain || !request.key || request.dry_run) return ok;
    // What it began from may have been another when it came first: only the store knows that.
    checked.job.refusal = ok.error();
    return Done{};
}

Result<Checked> check(Store& store,
                      const AddRequest& request,
                      const Caller& caller,
                      TimePoint now,
                      bool refuse_past_dates) {
    Checked checked;
    checked.job.name = request.job_name;
    checked.job.created_at = now;
    checked.job.submitted_by = caller.name;
    checked.job.key = request.key;
    if (auto ok = check_job_name(request.job_name); !ok) return fail(ok.error());
    if (auto ok = check_key(request.key); !ok) return fail(ok.error());
    if (auto ok = check_what(store, request, caller, checked); !ok) return fail(ok.error());
    if (auto ok = check_due(request, refuse_past_dates, checked); !ok) return fail(ok.error());
    if (request.key) checked.job.request_hash = hash_of(request);
    return checked;
}

std::optional<std::string> warning_of(const Checked& checked, bool replayed) {
    auto warnings = checked.warnings;
    // The first one's job may have been in time.
    if (checked.past_warning && !replayed) warnings.insert(warnings.begin(), *checked.past_warning);
    if (warnings.empty()) return std::nullopt;
    return fmt::format("{}", fmt::join(warnings, "; "));
}

AddResponse answer(const Checked& checked, AddedJob added) {
    AddResponse response;
    response.warning = warning_of(checked, added.replayed);
    response.message = fmt::format("job {} with id {} will be scheduled to run in {}",
                                   checked.job.name,
                                   added.job.id.to_string(),
                                   words_for_due(checked, added.job.scheduled_to));
    response.id = added.job.id;
    response.replayed = added.replayed;
    response.zone = zone_name(added.job.due_at.at);
    response.job = std::move(added.job);
    return response;
}

AddResponse answer_dry_run(const Checked& checked) {
    AddResponse response;
    response.warning = warning_of(checked, false);
    response.message = fmt::format("job {} would be scheduled to run in {}",
                                   checked.job.name,
                                   words_for_due(checked, to_local_date(checked.job.due_at)));
    response.zone = zone_name(checked.job.due_at);
    response.job.job_name = checked.job.name;
    response.job.created_at.at = checked.job.created_at;
    response.job.due_at.at = checked.job.due_at;
    response.job.scheduled_in = to_local_date(checked.job.created_at);
    response.job.scheduled_to = to_local_date(checked.job.due_at);
    response.job.spec = hide_values(checked.job.spec);
    response.job.submitted_by = checked.job.submitted_by;
    response.job.definition_revision = checked.job.definition_revision;
    return response;
}

using ImageSet = std::set<std::string>;

/// The engine's words on images. Whoever comes first, the last of them or the timer, answers; what
/// comes after it finds nothing to do. Any thread.
class MissingImages {
  public:
    MissingImages(std::size_t asked, UniqueFunction<void(const ImageSet&)> reply)
        : left_(asked), reply_(std::move(reply)) {}

    void told(const std::string& image, std::optional<bool> has) {
        std::unique_lock lock(mutex_);
        if (has && !*has) missing_.insert(image);
        if (--left_ == 0) answer(std::move(lock));
    }
    void time_is_over() { answer(std::unique_lock(mutex_)); }
    bool is_answered() {
        std::lock_guard lock(mutex_);
        return !reply_;
    }

  private:
    void answer(std::unique_lock<std::mutex> lock) {
        auto reply = std::exchange(reply_, {});
        ImageSet missing = missing_;
        lock.unlock();
        if (reply) reply(missing);
    }

    std::mutex mutex_;
    std::size_t left_;                             ///< guarded by mutex_
    ImageSet missing_;                             ///< guarded by mutex_
    UniqueFunction<void(const ImageSet&)> reply_;  ///< guarded by mutex_; empty: it has answered
};

/// Which of these images are not here, as far as the engine can say so soon. Each is asked for
/// once, and the first `images_asked_max` of them only.
void find_missing_images(Dispatcher& dispatcher,
                         Executor& timers,
                         const ImageSet& images,
                         UniqueFunction<void(const ImageSet&)> reply) {
    if (images.empty() || !dispatcher.engine_status().is_up) return reply({});
    std::size_t count = std::min(images.size(), AddBatchRequest::images_asked_max);
    auto missing = std::make_shared<MissingImages>(count, std::move(reply));
    auto image = images.begin();
    for (std::size_t i = 0; i < count; ++i, ++image)
        dispatcher.has_image(*image, [missing, asked = *image](std::optional<bool> has) {
            missing->told(asked, has);
        });
    if (!missing->is_answered())
        timers.post_after(image_answer_max, [missing] { missing->time_is_over(); });
}

/// Adds the warning that the image is not here.
void warn_of_missing_image(const std::optional<std::string>& image,
                           const ImageSet& missing,
                           AddResponse& response) {
    if (!image || missing.count(*image) == 0) return;
    std::string warning = fmt::format(
        "the image {} is not here, and this version does not pull: load it before the job is due, "
        "or it will be failed",
        full_image_name(*image));
    response.warning = response.warning ? *response.warning + "; " + warning : warning;
}

/// The answer to one submission, after the engine's word on its image.
void answer_with_image(Dispatcher& dispatcher,
                       Executor& timers,
                       const std::optional<std::string>& image,
                       AddResponse response,
                       Reply<AddResponse> reply) {
    ImageSet images;
    if (image) images.insert(*image);
    find_missing_images(dispatcher,
                        timers,
                        images,
                        [image, response = std::move(response), reply = std::move(reply)](
                            const ImageSet& missing) mutable {
                            warn_of_missing_image(image, missing, response);
                            reply(std::move(response));
                        });
}

/// The same for several.
void answer_batch(Dispatcher& dispatcher,
                  Executor& timers,
                  std::vector<Checked> all,
                  AddBatchResponse response,
                  Reply<AddBatchResponse> reply) {
    ImageSet images;
    for (const Checked& checked : all)
        if (checked.image) images.insert(*checked.image);
    find_missing_images(dispatcher,
                        timers,
                        images,
                        [all = std::move(all),
                         response = std::move(response),
                         reply = std::move(reply)](const ImageSet& missing) mutable {
                            for (std::size_t i = 0; i < all.size(); ++i)
                                warn_of_missing_image(all[i].image, missing, response.jobs[i]);
                            reply(std::move(response));
                        });
}

}  // namespace

void Service::handle(const AddRequest& request, const Caller& caller, Reply<AddResponse> reply) {
    auto checked = check(parts_->store,
                         request,
                         caller,
                         parts_->clock.now(),
                         parts_->options.get().refuse_past_dates);
    if (!checked) return reply(fail(checked.error()));
    Dispatcher& dispatcher = parts_->dispatcher;
    Executor& timers = parts_->timers;
    if (request.dry_run)
        return answer_with_image(
            dispatcher, timers, checked->image, answer_dry_run(*checked), std::move(reply));
    std::vector<NewJob> jobs;
    jobs.push_back(checked->job);
    parts_->store.insert(std::move(jobs),
                         [&dispatcher,
                          &timers,
                          &metrics = parts_->metrics,
                          checked = std::move(*checked),
                          reply = std::move(reply)](Result<std::vector<AddedJob>> added) mutable {
                             if (!added) return reply(fail(added.error()));
                             if (!added->front().replayed) metrics.count_submitted();
                             wake(dispatcher, added->front().job);
                             answer_with_image(dispatcher,
                                               timers,
                                               checked.image,
                                               answer(checked, std::move(added->front())),
                                               std::move(reply));
                         });
}

void Service::handle(const AddBatchRequest& request,
                     const Caller& caller,
                     Reply<AddBatchResponse> reply) {
    if (request.jobs.empty() || request.jobs.size() > AddBatchRequest::jobs_max)
        return reply(fail(ErrorCode::bad_field,
                          fmt::format("jobs must hold 1 to {} jobs", AddBatchRequest::jobs_max)));
    std::vector<Checked> all;
    std::vector<NewJob> jobs;
    TimePoint now = parts_->clock.now();
    bool refuse_past_dates = parts_->options.get().refuse_past_dates;
    for (std::size_t i = 0; i < request.jobs.size(); ++i) {
        auto at_fault = [&](const Error& error) {
            return fail(error.code, fmt::format("jobs[{}]: {}; none was added", i, error.message));
        };
        if (request.jobs[i].dry_run)
            return reply(at_fault({ErrorCode::bad_field, "dry_run is for single jobs"}));
        auto checked = check(parts_->store, request.jobs[i], caller, now, refuse_past_dates);
        if (!checked) return reply(at_fault(checked.error()));
        if (auto& refusal = checked->job.refusal) refusal = at_fault(*refusal).error;
        jobs.push_back(checked->job);
        all.push_back(std::move(*checked));
    }
    parts_->store.insert(
        std::move(jobs),
        [&dispatcher = parts_->dispatcher,
         &timers = parts_->timers,
         &metrics = parts_->metrics,
         all = std::move(all),
         reply = std::move(reply)](Result<std::vector<AddedJob>> added) mutable {
            if (!added) return reply(fail(added.error()));
            AddBatchResponse response;
            for (std::size_t i = 0; i < all.size(); ++i) {
                if (!(*added)[i].replayed) metrics.count_submitted();
                wake(dispatcher, (*added)[i].job);
                response.jobs.push_back(answer(all[i], std::move((*added)[i])));
            }
            answer_batch(dispatcher, timers, std::move(all), std::move(response), std::move(reply));
        });
}

}  // namespace scheduler
