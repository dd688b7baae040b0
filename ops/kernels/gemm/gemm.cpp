// Products of one block: cut up, packed where that pays, run tile by tile.
#include "ops/kernels/gemm/gemm.h"

#include "ops/kernels/gemm/dot.h"
#include "ops/kernels/gemm/pack.h"
#include "ops/kernels/gemm/stripes.h"
#include "ops/kernels/gemm/tile.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

// How many of `pieces` at a time, when each takes `bytes` of `room`: as even as can be.
std::int64_t at_once(std::int64_t pieces, std::int64_t bytes, std::int64_t room) {
  if (pieces == 1 || pieces * bytes <= room) return pieces;
  return longest_of(split(pieces, bytes < room ? room / bytes : 1));
}

// Bytes of packed A that stay in the smallest L2 around (512 KiB), and of B in a share of L3.
constexpr std::int64_t kBytesOfA = 256 << 10;
constexpr std::int64_t kBytesOfB = 2 << 20;

// A packed tile of A, and a packed panel of B, in elements.
template <class T>
std::int64_t tile_elements(const GemmBlock<T>& block) {
  return longest_of(block.depth) * longest_of(block.tiles) * (block.repeat_a ? Vec<T>::size : 1);
}
template <class T>
std::int64_t panel_elements(const GemmBlock<T>& block) {
  return longest_of(block.depth) * longest_of(block.panels) * Vec<T>::size;
}
// Elements from row to row of a product kept in scratch until it is turned.
template <class T>
std::int64_t turned_row(const GemmBlock<T>& block) {
  return (block.n + Vec<T>::size - 1) / Vec<T>::size * Vec<T>::size;
}
template <class T>
bool keeps_b(const GemmBlock<T>& block) {
  return block.pack_b && block.tiles_at_once < block.tiles.pieces;
}

// What to copy although it could be read in place. Rows far apart fall on few sets of the caches and
// on many pages: a panel of B then comes from L2 at each use, which registers of 16 floats can wait
// for and shorter ones cannot (avx2, 1024 x 1024 x 1024: 69 % of peak in place, 92 % copied).
template <class T>
void choose_packing(GemmBlock<T>& block) {
  block.repeat_a = false;
  constexpr std::int64_t bytes = sizeof(T);
  constexpr std::int64_t far = SIMDGRAD_ISA_AVX512 ? 4096 : 2048, many = 256;
  const auto is_far = [](std::int64_t stride) {
    return (stride < 0 ? -stride : stride) * bytes >= far;
  };
  block.save_b = kSavesB && block.m >= 24 && block.k >= 32 && block.b_column == 1;
  block.pack_b = block.b_column != 1 || block.save_b ||
                 (block.m >= many && block.k >= 64 && is_far(block.b_row));
  // Of rows of A, tiles read few at a time, and each in order. Of its columns they take half a line at
  // each step, and the other half later (avx512, 10000 x 128 x 128: 55 % of peak in place, 66 % copied).
  block.pack_a = false;
  if (block.k >= 64 && block.n >= 96) {
    const bool half_lines = kSavesB && block.a_row == 1 && block.a_column != 1;
    const bool far_rows = !SIMDGRAD_ISA_AVX512 && is_far(block.a_row);
    block.pack_a = half_lines || (block.n >= many && (far_rows || is_far(block.a_column)));
  }
  // Tiles over repeated elements load a row of B at each use, so rows had better not cross lines of
  // the cache (sse2, 256 x 256 x 256: 65 % of peak in place, 77 % copied; 255: 60 %, 76 %).
  if (kOrdersOfA > kRepeated && block.n >= 48) {
    block.repeat_a = block.pack_a = true;
    block.pack_b = block.pack_b || block.m >= 32;
  }
}

// scratch: packed A, packed B, the product to be turned.
template <class T>
std::int64_t prepare(GemmBlock<T>& block) {
  constexpr int n = Vec<T>::size;
  constexpr std::int64_t bytes = sizeof(T);
  choose_packing(block);
  block.far_a = block.far_b = block.far_c = false;
  if ((block.m * block.n + (block.m + block.n) * block.k) * bytes > 2 * block.near_bytes) {
    block.far_a = block.m * block.k * bytes > block.near_bytes;
    block.far_b = block.n * block.k * bytes > block.near_bytes;
    block.far_c = block.m * block.n * bytes > block.near_bytes;
  }
  block.looks_ahead = block.far_a || block.far_b || block.far_c || block.save_b;
  block.depth = split(block.k, kGemmDepth<T>);
  // Two tiles ask for two lines of each row of the next panel: where B comes from afar, no panel is
  // wider (16 x 10000 x 128: 395 us of panels of 3 registers, 310 of 2).
  const bool two =
      kMaxVectors == 3 && block.far_b && block.m > kMaxRows[3] && block.m <= 2 * kMaxRows[3];
  block.panels = split((block.n + n - 1) / n, two ? 2 : kMaxVectors);
  block.tiles = split(block.m, kMaxRows[two ? 3 : longest_of(block.panels)]);
  const std::int64_t tile = tile_elements(block), panel = panel_elements(block);
  block.tiles_at_once = at_once(block.tiles.pieces, tile * bytes, kBytesOfA);
  block.panels_at_once = at_once(block.panels.pieces, panel * bytes, kBytesOfB);
  std::int64_t size = 0;
  // A register of room: the last row of a packed tile is written whole.
  if (block.pack_a) size += (block.tiles_at_once * tile + 2 * n - 1) / n * n;
  block.packed_b = size;
  if (block.pack_b || (!kMasksLoads && block.n % n != 0)) {
    size += keeps_b(block) ? block.panels_at_once * panel : panel;
  }
  block.turned_c = size;
  if (block.c_column != 1) size += block.m * turned_row(block);
  return size;
}

// One piece of K for one panel of columns.
template <class T>
class Panel {
 public:
  // c, its rows c_row apart, is block.c or the product to be turned. That one has room for whole
  // registers and no finish.
  Panel(const GemmBlock<T>& block, T* c, std::int64_t c_row, bool turned)
      : block_(block),
        c_(c),
        turned_(turned),
        finish_{block.alpha, block.beta, block.addend, block.addend_row, block.addend_column},
        addend_(turned ? nullptr : block.addend) {
    tile_.c_row = c_row;
    tile_.saved_b = nullptr;
    simple_finish_ =
        turned || (block.alpha == T(1) &&
                   (!block.addend || (block.beta == T(1) && block.addend_column == 1)));
  }

  // Makes ready the panel; packs it into place `slot` when it has to be and pack_now is set.
  void open(std::int64_t piece, std::int64_t j, std::int64_t slot, bool pack_now) {
    constexpr int n = Vec<T>::size;
    p_ = begin_of(block_.depth, piece);
    tile_.k = size_of(block_.depth, piece);
    j_ = begin_of(block_.panels, j) * n;
    vectors_ = static_cast<int>(size_of(block_.panels, j));
    const std::int64_t room = vectors_ * n, width = room < block_.n - j_ ? room : block_.n - j_;
    tile_.b = block_.b + p_ * block_.b_row + j_ * block_.b_column;
    tile_.b_row = block_.b_row;
    masked_ = kMasksLoads && width < room && !(turned_ && block_.pack_b && !block_.save_b);
    tile_.last_columns = static_cast<int>(width - (room - n));
    comes_packed_ = false;
    if (block_.pack_b || (!kMasksLoads && width < room)) {
      T* const packed = block_.scratch + block_.packed_b + slot * panel_elements(block_);
      comes_packed_ = !pack_now;
      if (pack_now && block_.save_b) {
        tile_.saved_b = packed;
      } else {
        if (pack_now)
          pack(tile_.b, block_.b_row, block_.b_column, tile_.k, width, width, packed, room);
        tile_.b = packed;
        tile_.b_row = room;
      }
    }
    const bool first = piece == 0, last = piece + 1 == block_.depth.pieces;
    // Stored straight from the registers: whole ones, and at most one addition.
    const bool plain = (width == room || turned_ || kMasksStores) &&
                       (!last || (simple_finish_ && (first || addend_ == nullptr)));
    tile_.columns = plain ? 0 : static_cast<int>(width);
    tile_.accumulate = !first;
    tile_.finish = last ? &finish_ : nullptr;
    add_ = first ? (last ? addend_ : nullptr) : c_;
    tile_.add_row = first ? block_.addend_row : tile_.c_row;
  }

  // Tiles [begin, end) of rows; packs them from place 0 on when they have to be and pack_now is set.
  // Tiles of one shape run in one call, which saves a tenth of their time at k = 6.
  void run(std::int64_t begin, std::int64_t end, bool pack_now) {
    const bool together = tile_.columns == 0 && !(block_.pack_a && pack_now);
    std::int64_t count = 1;
    for (std::int64_t t = begin; t < end; t += count) {
      const std::int64_t i = begin_of(block_.tiles, t);
      const int rows = static_cast<int>(size_of(block_.tiles, t));
      const std::int64_t longer = block_.tiles.longer;
      const bool alone =
          block_.looks_ahead &&
          (fetch_ahead(t - begin, i, rows, pack_now) || tile_.saved_b != nullptr);
      count = together && !alone ? (t < longer && longer < end ? longer : end) - t : 1;
      tile_.count = count;
      tile_.a = block_.a + i * block_.a_row + p_ * block_.a_column;
      tile_.a_row = block_.a_row;
      tile_.a_column = block_.a_column;
      tile_.a_next = rows * block_.a_row;
      tile_.b_next = 0;
      tile_.c_next = rows * tile_.c_row;
      tile_.add_next = rows * tile_.add_row;
      ElementsOfA order = tile_.a_row == 1 ? kInRow : kApart;
      if (block_.pack_a) {
        T* const packed = block_.scratch + (t - begin) * tile_elements(block_);
        if (pack_now) pack_tile(i, rows, packed);
        order = block_.repeat_a ? kRepeated : kInRow;
        tile_.a = packed;
        tile_.a_row = 1;
        tile_.a_column = block_.repeat_a ? rows * Vec<T>::size : rows;
        tile_.a_next = tile_elements(block_);
      }
      tile_.c = c_ + i * tile_.c_row + j_;
      tile_.add = add_ ? add_ + i * tile_.add_row + j_ : nullptr;
      if (addend_) {
        finish_.addend = addend_ + i * block_.addend_row + j_ * block_.addend_column;
      }
      if (!block_.looks_ahead) {
        kTiles<T>.functions[0][masked_][order][vectors_ - 1][rows - 1](tile_);
        continue;
      }
      kTiles<T>.functions[tile_.ahead.from != 0][masked_][order][vectors_ - 1][rows - 1](tile_);
      if (tile_.saved_b != nullptr) {
        tile_.b = tile_.saved_b;
        tile_.b_row = vectors_ * Vec<T>::size;
        tile_.saved_b = nullptr;
      }
    }
  }

 private:
  // Says what is asked for during tile `t` of this panel, rows from i on: what the tiles after it first
  // read of A, and while the first of them run, the next panel of B. True: this tile alone asks for it.
  bool fetch_ahead(std::int64_t t, std::int64_t i, int rows, bool first_of_a) {
    constexpr std::int64_t n = Vec<T>::size, bytes = sizeof(T);
    const auto at = [](const T* base, std::int64_t offset) {
      return reinterpret_cast<std::uintptr_t>(base) + static_cast<std::uintptr_t>(offset * bytes);
    };
    // Along rows of the operand that are `row` apart, k of each; or across them.
    const auto along = [&](std::uintptr_t from, std::int64_t row) {
      tile_.ahead = {from, n * bytes, (tile_.k + n - 1) / n, row * bytes};
      return true;
    };
    const auto across = [&](std::uintptr_t from, std::int64_t row) {
      tile_.ahead = {from, row * bytes, tile_.k, 0};
      return true;
    };
    tile_.fetches_c = block_.far_c;
    if (block_.far_a && first_of_a && (block_.a_row == 1 || block_.a_column == 1)) {
      const std::int64_t p = p_ * block_.a_column;
      if (block_.a_row == 1) return across(at(block_.a, i + 2 * rows + p), block_.a_column);
      return along(at(block_.a, (i + rows) * block_.a_row + p), block_.a_row);
    }
    if (block_.far_b && t < vectors_) {
      if (comes_packed_) return across(at(tile_.b, tile_.k * tile_.b_row + t * n), tile_.b_row);
      const bool ends = j_ + vectors_ * n >= block_.n;
      const std::int64_t p = ends ? p_ + tile_.k : p_, j = (ends ? 0 : j_ + vectors_ * n) + t * n;
      if (block_.b_column == 1) return across(at(block_.b, p * block_.b_row + j), block_.b_row);
      if (block_.b_row == 1) return along(at(block_.b, p + j * block_.b_column), block_.b_column);
    }
    // Copying while reading is one of the fetching forms; it asks for a line that is there.
    tile_.ahead = {block_.far_c || tile_.saved_b != nullptr ? at(tile_.b, 0) : 0, 0, tile_.k, 0};
    return false;
  }

  void pack_tile(std::int64_t i, int rows, T* packed) const {
    if (block_.repeat_a) {
      pack_repeated(tile_.a, block_.a_column, block_.a_row, tile_.k, rows, packed);
    } else {
      pack(tile_.a, block_.a_column, block_.a_row, tile_.k, rows, block_.m - i, packed, rows);
    }
  }

  const GemmBlock<T>& block_;
  T* const c_;
  const bool turned_;
  Finish<T> finish_;
  const T* const addend_;
  Tile<T> tile_;
  bool simple_finish_;
  std::int64_t p_, j_;
  int vectors_;
  bool masked_;
  bool comes_packed_;  // the panel was packed for rows before these
  const T* add_;
};

// Loops, outermost first: columns that fit L3, pieces of K, rows that fit L2, panels, tiles. Packing
// happens where an operand is first needed, so that what was packed is still in the nearest cache.
template <class T>
void run_panels(const GemmBlock<T>& block, T* c, std::int64_t c_row, bool turned) {
  Panel<T> panel(block, c, c_row, turned);
  const bool keep_b = keeps_b(block);
  const std::int64_t columns = block.panels.pieces, rows = block.tiles.pieces;
  for (std::int64_t jb = 0; jb < columns; jb += block.panels_at_once) {
    const std::int64_t j_next = jb + block.panels_at_once,
                       j_end = j_next < columns ? j_next : columns;
    for (std::int64_t piece = 0; piece < block.depth.pieces; ++piece) {
      for (std::int64_t ib = 0; ib < rows; ib += block.tiles_at_once) {
        const std::int64_t i_next = ib + block.tiles_at_once, i_end = i_next < rows ? i_next : rows;
        for (std::int64_t j = jb; j < j_end; ++j) {
          panel.open(piece, j, keep_b ? j - jb : 0, ib == 0 || !keep_b);
          panel.run(ib, i_end, j == jb);
        }
      }
    }
  }
}

// c[j, i] = finish of from[i, j], a square of registers at a time.
template <class T>
void turn(const GemmBlock<T>& block, const T* from, std::int64_t from_row) {
  constexpr int n = Vec<T>::size;
  alignas(64) T square[n * n];
  for (std::int64_t i = 0; i < block.m; i += n) {
    const int rows = static_cast<int>(block.m - i < n ? block.m - i : n);
    for (std::int64_t j = 0; j < block.n; j += n) {
      const int columns = static_cast<int>(block.n - j < n ? block.n - j : n);
      copy_transposed(from + i * from_row + j, from_row, rows, n, square, n);
      const T* addend =
          block.addend ? block.addend + i * block.addend_row + j * block.addend_column : nullptr;
      const Finish<T> finish{block.alpha, block.beta, addend, block.addend_column,
                             block.addend_row};
      store_rows(square, n, columns, rows, block.c + i * block.c_row + j * block.c_column,
                 block.c_column, false, &finish);
    }
  }
}

template <class T>
void run(const GemmBlock<T>& block) {
  if (block.c_column == 1) {
    run_panels(block, block.c, block.c_row, false);
    return;
  }
  T* const product = block.scratch + block.turned_c;
  run_panels(block, product, turned_row(block), true);
  turn(block, product, turned_row(block));
}

template <class T>
void bare(const BareProduct<T>& product) {
  constexpr int n = Vec<T>::size;
  // Where registers are one more than a multiple of kMaxVectors and the last is masked, it is a panel by
  // itself and all others are alike: two calls instead of three. Not of so few rows that the sums of one
  // register wait for each other.
  Split panels = split((product.n + n - 1) / n, kMaxVectors);
  const int cut = static_cast<int>(product.n % n);
  const bool narrow_last = cut != 0 && product.m >= 8 && panels.shorter + 1 == kMaxVectors &&
                           panels.longer > 0 && panels.pieces - panels.longer == kMaxVectors - 1;
  if (narrow_last) panels = {panels.pieces, kMaxVectors, 0};
  // Of few rows, tiles all of one shape go in one call (32 x 32 x 32: 274 ns in four tiles of 8 rows, 282
  // in tiles of 11, 11 and 10); of more, taller tiles gain what the second call costs.
  const int most = kMaxRows[longest_of(panels)];
  const Split tiles = product.m == 32 && most >= 8 ? Split{4, 8, 0} : split(product.m, most);
  const int order = product.a_row == 1 ? kInRow : kApart;
  // Tiles in one call: those side by side, or those one below the other.
  const bool wide = tiles.pieces < panels.pieces;
  Tile<T> tile;
  tile.k = product.k;
  tile.a_row = product.a_row;
  tile.a_column = product.a_column;
  tile.b_row = product.b_row;
  tile.c_row = product.c_row;
  tile.add = nullptr;
  tile.add_row = tile.add_next = 0;
  tile.columns = 0;
  tile.accumulate = false;
  tile.finish = nullptr;
  // `down` tiles by `right` panels of one shape from row i and column j on.
  const auto run = [&](std::int64_t i, std::int64_t down, int rows, std::int64_t j,
                       std::int64_t right, int vectors, bool masked) {
    const bool along = tile.columns != 0 || wide;  // through store_rows they go one by one
    const std::int64_t width = vectors * n, a_next = rows * product.a_row,
                       c_next = rows * product.c_row;
    const auto function = kTiles<T>.functions[0][kMasksLoads && masked][order][vectors - 1][rows - 1];
    tile.count = along ? right : down;
    tile.a_next = along ? 0 : a_next;
    tile.b_next = along ? width : 0;
    tile.c_next = along ? width : c_next;
    tile.a = product.a + i * product.a_row;
    tile.b = product.b + j;
    tile.c = product.c + i * product.c_row + j;
    for (std::int64_t calls = along ? down : right; calls > 0; --calls) {
      function(tile);
      tile.a += along ? a_next : 0;
      tile.b += along ? 0 : width;
      tile.c += along ? c_next : width;
    }
  };
  const auto run_panels = [&](std::int64_t j, std::int64_t right, int vectors, bool masked) {
    if (right == 0) return;
    const int rows = static_cast<int>(tiles.shorter);
    if (tiles.longer > 0) run(0, tiles.longer, rows + 1, j, right, vectors, masked);
    run(tiles.longer * (rows + 1), tiles.pieces - tiles.longer, rows, j, right, vectors, masked);
  };
  const int vectors = static_cast<int>(panels.shorter);
  const std::int64_t last = cut != 0 ? panels.pieces - 1 : panels.pieces;
  const std::int64_t longer = panels.longer < last ? panels.longer : last;
  run_panels(0, longer, vectors + 1, false);
  run_panels(longer * (vectors + 1) * n, last - longer, vectors, false);
  if (cut == 0) return;
  tile.last_columns = cut;
  const int of_last = narrow_last ? 1 : static_cast<int>(size_of(panels, last));
  if (!kMasksStores) tile.columns = (of_last - 1) * n + cut;
  run_panels(begin_of(panels, last) * n, 1, of_last, true);
}

constexpr int log2_of(int n) { return n == 1 ? 0 : 1 + log2_of(n / 2); }

// Without masks, whole registers; not where operands are copied for the sake of the tiles.
template <class T>
constexpr int kBareColumns = kMasksLoads ? 1 : kOrdersOfA > kRepeated ? 0 : Vec<T>::size;

template <class T>
constexpr GemmTable<T> kTable = {log2_of(Vec<T>::size), kDotNarrow,     prepare<T>, run<T>,
                                 kBareColumns<T>,       bare<T>,        prepare_dot<T>, dot<T>};

}  // namespace

extern const GemmKernels gemm_kernels = {kTable<float>, kTable<double>};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
