// Three pictures of a run: products against size, embedding steps against vocabulary, overhead per
// operation.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>

#include "bench/results.h"

namespace bench {
namespace {

struct Point {
  std::string label;
  double value;
};
using Series = std::map<std::string, std::vector<Point>>;  // of each side

constexpr int kWidth = 720, kHeight = 360, kLeft = 70, kBottom = 60, kTop = 50;
// Told apart by eyes that do not see all colours, too.
constexpr const char* kColors[] = {"#0072b2", "#d55e00", "#009e73",
                                   "#cc79a7", "#e69f00", "#56b4e9"};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value >= 100 ? "%.0f" : "%.3g", value);
  return text;
}

// Bars side by side, one group a label; `logarithmic` where they differ by powers of ten.
void write_bars(const std::string& path, const std::string& title, const Series& series,
                bool logarithmic) {
  if (series.empty()) return;
  double most = 0, least = 1e300;
  for (const auto& [side, points] : series)
    for (const Point& point : points) {
      most = std::max(most, point.value);
      least = std::min(least, point.value);
    }
  const double low = logarithmic ? std::floor(std::log10(least)) : 0;
  const double high = logarithmic ? std::ceil(std::log10(most)) : most * 1.05;
  const auto y_of = [&](double value) {
    const double share = ((logarithmic ? std::log10(value) : value) - low) / (high - low);
    return kHeight - kBottom - share * (kHeight - kBottom - kTop);
  };
  std::ofstream file(path);
  file << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << kWidth << ' ' << kHeight
       << "\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" "
          "fill=\"white\"/>\n<text x=\""
       << kLeft << "\" y=\"20\" font-size=\"15\">" << title << "</text>\n";
  for (int line = 0; line <= 4; ++line) {
    const double at = low + (high - low) * line / 4;
    const double y = kHeight - kBottom - (kHeight - kBottom - kTop) * line / 4.0;
    file << "<line x1=\"" << kLeft << "\" x2=\"" << kWidth - 10 << "\" y1=\"" << y << "\" y2=\""
         << y << "\" stroke=\"#ddd\"/><text x=\"" << kLeft - 6 << "\" y=\"" << y + 4
         << "\" text-anchor=\"end\">" << number(logarithmic ? std::pow(10, at) : at) << "</text>\n";
  }
  const std::vector<Point>& labels = series.begin()->second;
  const double group = double(kWidth - 10 - kLeft) / static_cast<double>(labels.size());
  const double bar = group * 0.8 / static_cast<double>(series.size());
  int index = 0;
  for (const auto& [side, points] : series) {
    const char* color = kColors[index % 6];
    for (size_t i = 0; i < points.size(); ++i) {
      const double y = y_of(points[i].value);
      file << "<rect x=\"" << kLeft + group * double(i) + group * 0.1 + bar * index << "\" y=\""
           << y << "\" width=\"" << bar * 0.95 << "\" height=\"" << kHeight - kBottom - y
           << "\" fill=\"" << color << "\"/>\n";
    }
    file << "<rect x=\"" << kLeft + 120 * index << "\" y=\"30\" width=\"12\" height=\"12\" fill=\""
         << color << "\"/><text x=\"" << kLeft + 120 * index + 17 << "\" y=\"41\">" << side
         << "</text>\n";
    ++index;
  }
  for (size_t i = 0; i < labels.size(); ++i)
    file << "<text x=\"" << kLeft + group * (double(i) + 0.5) << "\" y=\"" << kHeight - kBottom + 18
         << "\" text-anchor=\"middle\">" << labels[i].label << "</text>\n";
  file << "</svg>\n";
  file.close();
  if (!file) throw std::runtime_error("could not write " + path);
}

// `value` of the rows whose workload starts with `prefix`, one thread; labels without the prefix. Sides
// that lack one of the rows are left out.
template <class Value>
Series series_of(const std::vector<Row>& rows, const std::string& prefix, Value value) {
  Series series;
  size_t count = 0;
  std::string before;
  for (const Row& row : rows) {
    if (row.threads != 1 || row.workload.rfind(prefix, 0) != 0) continue;
    const std::string label = row.workload.substr(prefix.size());
    if (row.workload != before) {
      series["simdgrad"].push_back({label, value(row, row.ours.minimum)});
      ++count;
    }
    before = row.workload;
    if (row.theirs) series[row.peer].push_back({label, value(row, row.theirs->minimum)});
  }
  std::erase_if(series, [&](const auto& each) { return each.second.size() != count; });
  return series;
}

}  // namespace

void write_charts(const Results& results, const std::string& folder) {
  std::filesystem::create_directories(folder);
  const auto nanoseconds = [](const Row&, double seconds) { return seconds * 1e9; };
  const auto microseconds = [](const Row&, double seconds) { return seconds * 1e6; };
  const auto gflops = [](const Row& row, double seconds) { return row.flops / seconds * 1e-9; };
  write_bars(folder + "/products.svg", "n x n x n products, float32, one thread: GF/s",
             series_of(results.rows, "gemm/", gflops), false);
  write_bars(folder + "/vocabulary.svg",
             "sparse SGD step of 4096 ids, 128 columns, against the rows of the table: us",
             series_of(results.rows, "vocabulary/", microseconds), true);
  write_bars(folder + "/overhead.svg", "overhead of an operation, one thread: ns",
             series_of(results.rows, "overhead/", nanoseconds), true);
}

}  // namespace bench
