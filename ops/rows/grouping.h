// Equal ids brought together, in order of appearance: the distinct ids of a list, how often each
// occurs, and where.
#pragma once

#include <cstddef>
#include <cstdint>

namespace simdgrad {

// ids of n rows, each in [0, limit), as groups: group g holds id ids()[g] (rising) at positions
// order()[starts()[g]] ... order()[starts()[g + 1] - 1], themselves rising. A stable radix sort of
// (id, position) in one word, 4 to 5 ns an id.
class RowGrouping {
 public:
  RowGrouping(const int64_t* ids, int64_t n, int64_t limit);
  ~RowGrouping();
  RowGrouping(const RowGrouping&) = delete;
  RowGrouping& operator=(const RowGrouping&) = delete;

  int64_t groups() const { return groups_; }
  int64_t size() const { return n_; }
  const int64_t* ids() const { return ids_; }
  const int64_t* starts() const { return starts_; }
  const int64_t* order() const { return order_; }

 private:
  void sort(const int64_t* ids, int64_t limit);
  void cut(const int64_t* ids);

  int64_t n_, groups_ = 0;
  size_t bytes_;
  int64_t *order_, *ids_, *starts_;
};

}  // namespace simdgrad
