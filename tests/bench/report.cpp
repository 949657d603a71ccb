#include "tests/bench/report.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include <fmt/format.h>

#include "tests/bench/machine.hpp"
#include "tests/bench/process.hpp"

namespace scheduler::bench {
namespace {

using Json = nlohmann::json;

std::string spread(const Figures& figures) {
    if (figures.values().size() < 2) return "";
    return show(figures.min()) + ".." + show(figures.max());
}

std::string median(const Figures& figures) {
    return figures.empty() ? "-" : show(figures.median());
}

std::string verdict(const Row& row) {
    auto met = row.is_met();
    if (!met) return "";
    return *met ? "yes" : "NO";
}

std::string line(const std::string& name,
                 const std::string& ours,
                 const std::string& peer,
                 const std::string& ratio,
                 const std::string& target,
                 const std::string& met) {
    std::string text =
        fmt::format("  {:<20}{:>16}{:>16}{:>12} {:>9} {:>3}", name, ours, peer, ratio, target, met);
    text.erase(text.find_last_not_of(' ') + 1);
    return text + '\n';
}

Json to_json(const Figures& figures) {
    return {{"median", figures.median()},
            {"min", figures.min()},
            {"max", figures.max()},
            {"rounds", figures.values()}};
}

Json to_json(const Row& row) {
    Json json = {
        {"id", row.id}, {"what", row.what}, {"unit", row.unit}, {"load_average", row.load_average}};
    if (!row.ours.empty()) json["ours"] = to_json(row.ours);
    if (!row.peer.empty()) json["peer"] = row.peer;
    if (!row.theirs.empty()) json["theirs"] = to_json(row.theirs);
    if (Figures ratio = ratios(row.ours, row.theirs); !ratio.empty())
        json["ratio"] = to_json(ratio);
    if (row.target.kind != Target::Kind::none) json["target"] = row.target.to_string();
    if (auto met = row.is_met()) json["met"] = *met;
    if (!row.note.empty()) json["note"] = row.note;
    return json;
}

Json to_json(const Curve& curve) {
    Json lines = Json::object();
    for (const Curve::Line& one : curve.lines)
        for (const Curve::Point& point : one.points)
            lines[one.name].push_back({point.x, point.y});
    return {{"id", curve.id}, {"title", curve.title}, {"y", curve.y_label}, {"lines", lines}};
}

/// gnuplot's blocks: each line has a title and its points, two empty lines between them.
void write_points(const Curve& curve, const std::filesystem::path& file) {
    std::ofstream text(file);
    for (const Curve::Line& one : curve.lines) {
        text << '"' << one.name << "\"\n";
        for (const Curve::Point& point : one.points)
            text << fmt::format("{:.0f} {:g}\n", point.x, point.y);
        text << "\n\n";
    }
}

}  // namespace

void Curve::add(const std::string& line_name, double x, double y) {
    auto found = std::find_if(
        lines.begin(), lines.end(), [&](const Line& one) { return one.name == line_name; });
    if (found == lines.end()) found = lines.insert(lines.end(), Line{line_name, {}});
    found->points.push_back({x, y});
}

void Report::print_head() const {
    std::fputs(line("beside", "ours", "peer", "ratio", "target", "met").c_str(), stdout);
    std::fflush(stdout);
}

void Report::add(const Row& row) {
    rows_.push_back(row);
    rows_.back().load_average = load_average();
    std::string text = fmt::format("{}{}\n", row.what, row.unit.empty() ? "" : ", " + row.unit);
    if (!row.ours.empty()) {
        Figures ratio = ratios(row.ours, row.theirs);
        text += line(row.peer,
                     median(row.ours),
                     median(row.theirs),
                     median(ratio),
                     row.target.to_string(),
                     verdict(row));
        if (row.ours.values().size() > 1)
            text += line("", spread(row.ours), spread(row.theirs), spread(ratio), "", "");
    }
    if (!row.note.empty()) text += "  " + row.note + '\n';
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
    write_json();
    write_markdown();
}

void Report::add(const Curve& curve) {
    curves_.push_back(curve);
    write_json();
    draw(curve);
}

int Report::missed() const {
    return static_cast<int>(std::count_if(
        rows_.begin(), rows_.end(), [](const Row& row) { return row.is_met() == false; }));
}

void Report::write_json() const {
    Json json = {{"machine", machine_}, {"rows", Json::array()}, {"curves", Json::array()}};
    for (const Row& row : rows_)
        json["rows"].push_back(to_json(row));
    for (const Curve& curve : curves_)
        json["curves"].push_back(to_json(curve));
    std::ofstream(out_ / "results.json") << json.dump(1) << '\n';
}

void Report::write_markdown() const {
    std::string text =
        "| what | beside | ours | peer | ratio | target | met |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n";
    auto cell = [](const Figures& figures) {
        if (figures.empty()) return std::string();
        std::string range = spread(figures);
        return show(figures.median()) + (range.empty() ? "" : " (" + range + ")");
    };
    for (const Row& row : rows_)
        text += fmt::format("| {}{} | {} | {} | {} | {} | {} | {} |\n",
                            row.what,
                            row.unit.empty() ? "" : ", " + row.unit,
                            row.peer,
                            row.ours.empty() ? row.note : cell(row.ours),
                            cell(row.theirs),
                            cell(ratios(row.ours, row.theirs)),
                            row.target.to_string(),
                            verdict(row));
    std::ofstream(out_ / "table.md") << text;
}

void Report::draw(const Curve& curve) const {
    auto data = out_ / (curve.id + ".dat");
    write_points(curve, data);
    if (!is_installed("gnuplot")) {
        std::fprintf(stderr, "bench: gnuplot is missing, so %s has no plot\n", curve.id.c_str());
        return;
    }
    std::string settings =
        fmt::format("data='{}'; plot_file='{}'; plot_title='{}'; y_label='{}'; lines={}",
                    data.native(),
                    (out_ / (curve.id + ".svg")).native(),
                    curve.title,
                    curve.y_label,
                    curve.lines.size());
    run_quietly({"gnuplot", "-e", settings, PROJECT_SOURCE_DIR "/tests/bench/curve.gp"});
}

}  // namespace scheduler::bench
