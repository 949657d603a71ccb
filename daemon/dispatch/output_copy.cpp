#include "daemon/dispatch/output_copy.hpp"

#include <algorithm>

namespace scheduler {
namespace {

constexpr int tail_pieces = 16;

}  // namespace

/// The end of the output as a plain reading gives it.
struct OutputCopy::Tail {
    struct Piece {
        LogStream stream;
        decltype(LogFrame::at) at;
        std::string bytes;
    };
    std::vector<Piece> pieces;
};

OutputCopy::OutputCopy(Executor& core, Executor& disk, EventHub& events, JobId job, Open open)
    : core_(core),
      disk_(disk),
      events_(events),
      job_(job),
      file_(std::make_shared<File>(File{std::move(open), nullptr})) {}

void OutputCopy::run(Engine& engine,
                     const std::string& container,
                     bool follow,
                     UniqueFunction<void(EngineResult<Done>)> reply) {
    flush();  // makes the file
    engine.logs(
        container,
        LogReading{follow, std::nullopt, gate_},
        [self = shared_from_this()](const LogFrame& frame) { return self->append(frame); },
        [self = shared_from_this(), reply = std::move(reply)](EngineResult<Done> result) mutable {
            self->when_written([result = std::move(result), reply = std::move(reply)]() mutable {
                reply(std::move(result));
            });
        });
}

void OutputCopy::complete(Engine& engine,
                          const std::string& container,
                          UniqueFunction<void(bool)> reply) {
    auto tail = std::make_shared<Tail>();
    engine.logs(
        container,
        LogReading{false, tail_pieces, nullptr},
        [tail](const LogFrame& frame) {
            tail->pieces.push_back({frame.stream, frame.at, std::string(frame.bytes)});
            return tail->pieces.size() < 4 * tail_pieces;  // an engine may give more
        },
        [self = shared_from_this(), tail, reply = std::move(reply)](
            EngineResult<Done> result) mutable {
            const auto& pieces = tail->pieces;
            if (!result || self->disk_error_ || pieces.size() >= 4 * tail_pieces)
                return reply(false);
            auto is_last = [&](const Tail::Piece& piece) {
                return piece.stream == self->last_stream_ && piece.at == self->last_at_ &&
                       piece.bytes == self->last_bytes_;
            };
            // Pieces of one long line have one time, and may be alike: then the place is not known.
            auto alike = std::count_if(pieces.begin(), pieces.end(), is_last);
            if (self->bytes_read_ == 0) return reply(pieces.empty());
            if (alike != 1) return reply(false);
            auto missing = std::find_if(pieces.begin(), pieces.end(), is_last) + 1;
            for (; missing != pieces.end(); ++missing)
                self->append(LogFrame{missing->stream, missing->at, missing->bytes});
            self->when_written([copy = self.get(), reply = std::move(reply)]() mutable {
                reply(!copy->disk_error_ && !copy->is_closed_);
            });
        });
}

void OutputCopy::when_seen(std::uint64_t bytes, UniqueFunction<void()> then) {
    waiting_.emplace_back(bytes, std::move(then));
    call_ready();
}

void OutputCopy::close() {
    is_closed_ = true;
    batch_ = {};
    // After what is being written; the writer is not touched here.
    disk_.post([file = file_] { file->writer.reset(); });
    gate_->open();
    call_ready();
}

void OutputCopy::call_ready() {
    std::vector<UniqueFunction<void()>> ready;
    std::erase_if(waiting_, [&](auto& wait) {
        if (!is_closed_ && bytes_written_ < wait.first) return false;
        ready.push_back(std::move(wait.second));
        return true;
    });
    if (!is_writing_ && batch_.is_empty() && when_written_)
        ready.push_back(std::exchange(when_written_, {}));
    for (auto& then : ready)
        then();
}

bool OutputCopy::append(const LogFrame& frame) {
    if (is_closed_ || disk_error_) return false;
    batch_.add(frame.stream, frame.at.time_since_epoch().count(), frame.bytes);
    bytes_read_ += frame.bytes.size();
    cost_ += frame.bytes.size() + log_piece_cost_max;
    last_stream_ = frame.stream;
    last_at_ = frame.at;
    last_bytes_ = frame.bytes;
    if (batch_.bytes().size() >= waiting_bytes_max) gate_->close();
    flush_soon();
    return true;
}

/// Once the pieces that the engine's client has at hand are all here.
void OutputCopy::flush_soon() {
    if (is_writing_ || batch_.is_empty()) return;
    if (is_pausing_ && batch_.bytes().size() < batch_bytes && !when_written_) return;
    if (std::exchange(is_flush_posted_, true)) return;
    core_.post([self = shared_from_this()] {
        self->is_flush_posted_ = false;
        if (!self->is_writing_ && !self->batch_.is_empty()) self->flush();
    });
}

void OutputCopy::flush() {
    is_writing_ = true;
    auto batch = std::make_shared<const OutputBatch>(std::exchange(batch_, {}));
    gate_->open();
    disk_.post([self = shared_from_this(), batch] {
        auto written = self->file_->append(*batch);
        self->core_.post([self, bytes = batch->bytes().size(), written = std::move(written)] {
            self->on_written(bytes, written);
        });
    });
}

void OutputCopy::on_written(std::uint64_t bytes, Result<Done> written) {
    is_writing_ = false;
    if (written) {
        bytes_written_ += bytes;
    } else {
        disk_error_ = written.error();
        batch_ = {};
        gate_->open();  // the reading ends with its next piece
    }
    if (bytes > 0) events_.output_grew(job_);
    if (bytes > 0) pause();
    flush_soon();
    call_ready();
}

void OutputCopy::pause() {
    if (std::exchange(is_pausing_, true)) return;
    core_.post_after(write_pause, [self = shared_from_this()] {
        self->is_pausing_ = false;
        self->flush_soon();
    });
}

void OutputCopy::when_written(UniqueFunction<void()> then) {
    when_written_ = std::move(then);
    flush_soon();
    call_ready();
}

Result<Done> OutputCopy::File::append(const OutputBatch& batch) {
    if (!writer) {
        auto opened = open();
        if (!opened) return fail(opened.error());
        writer = std::move(*opened);
    }
    return writer->append(batch);
}

}  // namespace scheduler
