#include "cli/output/table.hpp"

#include <algorithm>
#include <numeric>

#include "cli/output/text.hpp"

namespace scheduler {
namespace {

constexpr std::size_t gap = 2;  // between columns

}  // namespace

void Table::measure(const std::vector<Row>& rows) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t widest = std::max(columns_[i].minimum, display_width(columns_[i].title));
        for (const Row& row : rows)
            widest = std::max(widest, display_width(row[i].text));
        widths_.push_back(widest);
    }
    std::size_t total =
        std::accumulate(widths_.begin(), widths_.end(), gap * (columns_.size() - 1));
    if (total <= width_) return;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (!columns_[i].flexible) continue;
        std::size_t others = total - widths_[i];
        std::size_t left = width_ > others ? width_ - others : 0;
        widths_[i] = std::max(left, columns_[i].minimum);
    }
}

std::string Table::line(const Row& row) const {
    std::string text;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::string fitted = columns_[i].flexible ? fit_middle(row[i].text, widths_[i])
                                                  : fit_text(row[i].text, widths_[i]);
        std::string padding(widths_[i] - display_width(fitted), ' ');
        std::string painted = paint(fitted, row[i].colour, colour_);
        bool last = i + 1 == columns_.size();
        if (columns_[i].right)
            text += padding + painted;
        else
            text += painted + (last ? "" : padding);
        if (!last) text.append(gap, ' ');
    }
    return text + '\n';
}

std::string Table::lines(const std::vector<Row>& rows) {
    std::string text;
    if (widths_.empty()) {
        measure(rows);
        Row header;
        for (const Column& column : columns_)
            header.push_back({column.title, Colour::bold});
        text += line(header);
    }
    for (const Row& row : rows)
        text += line(row);
    return text;
}

}  // namespace scheduler
