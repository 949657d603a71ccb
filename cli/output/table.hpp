#pragma once
/// Table lays rows out for a terminal of a known width. Its columns are measured on the first rows
/// given, so that a long list can follow page by page with the same layout. Pure.

#include <string>
#include <vector>

#include "cli/output/colour.hpp"

namespace scheduler {

struct Column {
    std::string title;
    bool right = false;       ///< numbers
    bool flexible = false;    ///< gives way when the terminal is narrow; one column has it
    std::size_t minimum = 0;  ///< columns that it has at least
};

struct Cell {
    std::string text;  ///< escaped; see output/text.hpp
    Colour colour = Colour::none;
};
using Row = std::vector<Cell>;

class Table {
  public:
    Table(std::vector<Column> columns, std::size_t width, bool colour)
        : columns_(std::move(columns)), width_(width), colour_(colour) {}

    /// The lines of these rows, each with its newline; the first time with the header above.
    std::string lines(const std::vector<Row>& rows);

  private:
    void measure(const std::vector<Row>& rows);
    [[nodiscard]] std::string line(const Row& row) const;

    std::vector<Column> columns_;
    std::size_t width_;
    bool colour_;
    std::vector<std::size_t> widths_;  ///< empty until measured
};

}  // namespace scheduler
