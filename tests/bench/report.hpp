#pragma once
/// Report collects rows and curves, and writes them: a table for the terminal (80 columns),
/// results.json, table.md, and for each curve a data file and an SVG drawn by gnuplot. Owned by
/// main.

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/bench/figures.hpp"

namespace scheduler::bench {

/// How a figure grows with the number of rows. One line a name.
struct Curve {
    struct Point {
        double x = 0;
        double y = 0;
    };
    struct Line {
        std::string name;
        std::vector<Point> points;
    };
    std::string id;  ///< name of its files
    std::string title;
    std::string y_label;
    std::vector<Line> lines;

    /// A point of the line of this name, which is made if it is not there.
    void add(const std::string& line, double x, double y);
};

class Report {
  public:
    Report(std::filesystem::path out, nlohmann::json machine)
        : out_(std::move(out)), machine_(std::move(machine)) {}

    /// Prints the row at once, since a whole run takes long, and writes the files anew.
    void add(const Row& row);
    void add(const Curve& curve);
    void print_head() const;
    /// How many rows missed their target.
    [[nodiscard]] int missed() const;

  private:
    void write_json() const;
    void write_markdown() const;
    void draw(const Curve& curve) const;

    std::filesystem::path out_;
    nlohmann::json machine_;
    std::vector<Row> rows_;
    std::vector<Curve> curves_;
};

}  // namespace scheduler::bench
