// Three pictures of a run, on one thread: products against size, embedding steps against the size of the
// table, overhead of single operations.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "bench/results.h"

namespace bench {
namespace {

// Bars side by side, a group for each label.
struct Chart {
  struct Series {
    std::string side;
    std::vector<double> values;  // of each label
  };
  std::string title;
  std::vector<std::string> labels;
  std::vector<Series> series;
  bool logarithmic = false;
  double line = 0;  // a limit, drawn across; 0: none
};

constexpr double kWidth = 760, kHeight = 380, kLeft = 60, kRight = 10, kBottom = 60, kTop = 60;
// Told apart by eyes that do not see all colours, too.
constexpr const char* kColors[] = {"#0072b2", "#d55e00", "#009e73",
                                   "#cc79a7", "#e69f00", "#56b4e9"};

// The values at the lines of the grid: powers of ten, or about five multiples of a round number from 0.
std::vector<double> ticks_of(double least, double most, bool logarithmic) {
  std::vector<double> ticks;
  if (logarithmic) {
    for (double e = std::floor(std::log10(least)); e <= std::ceil(std::log10(most)); ++e)
      ticks.push_back(std::pow(10, e));
    return ticks;
  }
  const double ten = std::pow(10, std::floor(std::log10(most / 5)));
  double step = ten;
  for (const double factor : {2., 5., 10.})
    if (most / step > 6) step = factor * ten;
  for (double at = 0; at < most + step; at += step) ticks.push_back(at);
  return ticks;
}

std::string text_at(double x, double y, const char* anchor, const std::string& text) {
  return format("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
                text.c_str());
}
std::string box(double x, double y, double width, double height, const char* color) {
  return format("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, y,
                width, height, color);
}
std::string across(double y, const char* style) {
  return format("<line x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\" %s/>\n", kLeft,
                kWidth - kRight, y, y, style);
}

// "chain100_backward_of_leaf" on lines of its own words, in the middle of x.
std::string label_at(double x, double y, std::string label) {
  std::string text, line;
  label += '_';
  for (size_t at; (at = label.find('_')) != std::string::npos; label.erase(0, at + 1)) {
    const std::string word = label.substr(0, at);
    if (!line.empty() && line.size() + word.size() > 11) {
      text += text_at(x, y, "middle", line);
      y += 15;
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return text + text_at(x, y, "middle", line);
}

std::string bars(const Chart& chart, const std::vector<double>& ticks) {
  const auto scale = [&](double value) { return chart.logarithmic ? std::log10(value) : value; };
  const double low = scale(ticks.front()), high = scale(ticks.back());
  const auto y_of = [&](double value) {
    return kHeight - kBottom - (scale(value) - low) / (high - low) * (kHeight - kBottom - kTop);
  };
  std::string text;
  for (const double tick : ticks)
    text += across(y_of(tick), "stroke=\"#ddd\"") +
            text_at(kLeft - 6, y_of(tick) + 4, "end", format("%g", tick));
  const double group = (kWidth - kRight - kLeft) / static_cast<double>(chart.labels.size());
  const double width = group * 0.8 / static_cast<double>(chart.series.size());
  for (size_t i = 0; i < chart.labels.size(); ++i) {
    const double left = kLeft + group * static_cast<double>(i);
    for (size_t s = 0; s < chart.series.size(); ++s) {
      const double value = chart.series[s].values[i], y = y_of(value);
      const double x = left + group * 0.1 + width * static_cast<double>(s);
      text += box(x, y, width * 0.94, kHeight - kBottom - y, kColors[s % std::size(kColors)]);
      if (width >= 18)
        text += "<g font-size=\"9\">" +
                text_at(x + width * 0.47, y - 3, "middle", format(value < 100 ? "%.3g" : "%.0f", value)) +
                "</g>";
    }
    text += label_at(left + group / 2, kHeight - kBottom + 18, chart.labels[i]);
  }
  if (chart.line > 0)
    text += across(y_of(chart.line), "stroke=\"#555\" stroke-dasharray=\"5 4\"") +
            text_at(kWidth - kRight, y_of(chart.line) - 4, "end", "peak of this machine");
  return text;
}

void write(const Chart& chart, const std::string& path) {
  if (chart.labels.empty()) return;
  double least = 1e300, most = chart.line;
  for (const Chart::Series& series : chart.series)
    for (const double value : series.values) {
      least = std::min(least, value);
      most = std::max(most, value);
    }
  std::ofstream file(path);
  file << format(
              "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
              "font-family=\"sans-serif\" font-size=\"12\">\n",
              kWidth, kHeight)
       << box(0, 0, kWidth, kHeight, "white") << "<g font-size=\"15\">"
       << text_at(kLeft, 22, "start", chart.title) << "</g>\n";
  double x = kLeft;
  for (size_t s = 0; s < chart.series.size(); ++s) {
    file << box(x, 32, 12, 12, kColors[s % std::size(kColors)])
         << text_at(x + 17, 42, "start", chart.series[s].side);
    x += 40 + 7.5 * static_cast<double>(chart.series[s].side.size());
  }
  file << bars(chart, ticks_of(least, most, chart.logarithmic)) << "</svg>\n";
  file.close();
  if (!file) throw std::runtime_error("could not write " + path);
}

// Adds a bar of each side for every workload whose name starts with `prefix`; sides that lack one of
// them are left out.
template <class Value>
Chart chart_of(const Results& results, const std::string& prefix, Value value, Chart chart) {
  chart.series.push_back({"simdgrad", {}});
  for (const Row& row : results.rows) {
    if (row.threads != 1 || row.workload.rfind(prefix, 0) != 0) continue;
    const std::string label = row.workload.substr(prefix.size());
    if (chart.labels.empty() || chart.labels.back() != label) {
      chart.labels.push_back(label);
      chart.series.front().values.push_back(value(row, row.ours.minimum));
    }
    if (!row.theirs) continue;
    auto side = std::find_if(chart.series.begin(), chart.series.end(),
                             [&](const Chart::Series& series) { return series.side == row.peer; });
    if (side == chart.series.end()) side = chart.series.insert(side, {row.peer, {}});
    side->values.push_back(value(row, row.theirs->minimum));
  }
  std::erase_if(chart.series, [&](const Chart::Series& series) {
    return series.values.size() != chart.labels.size();
  });
  return chart;
}

}  // namespace

void write_charts(const Results& results, const std::string& folder) {
  std::filesystem::create_directories(folder);
  const auto nanoseconds = [](const Row&, double seconds) { return seconds * 1e9; };
  const auto microseconds = [](const Row&, double seconds) { return seconds * 1e6; };
  const auto gflops = [](const Row& row, double seconds) { return row.flops / seconds * 1e-9; };
  Chart products{"n x n x n products of float32 on one thread, GF/s", {}, {}};
  if (!results.machine.peaks.empty()) products.line = results.machine.peaks.back().one * 1e-9;
  write(chart_of(results, "gemm/", gflops, products), folder + "/products.svg");
  Chart vocabulary{"sparse SGD step of 4096 ids and 128 columns on one thread, by rows of the table, us",
                   {}, {}};
  write(chart_of(results, "vocabulary/", microseconds, vocabulary), folder + "/vocabulary.svg");
  Chart overhead{"time of small operations on one thread, ns, logarithmic", {}, {}};
  overhead.logarithmic = true;
  write(chart_of(results, "overhead/", nanoseconds, overhead), folder + "/overhead.svg");
}

}  // namespace bench
