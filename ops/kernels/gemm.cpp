#include "ops/kernels/gemm.h"

#include "ops/kernels/gemm_pack.h"
#include "ops/kernels/gemm_tile.h"

namespace simdgrad::kernels::SIMDGRAD_ISA_NAME {
namespace {

// n items in as few pieces of at most `longest` as will do, of nearly equal length.
struct Split {
  std::int64_t pieces, shorter, longer;  // the first `longer` pieces have shorter + 1 items

  Split(std::int64_t n, std::int64_t longest) {
    pieces = (n + longest - 1) / longest;
    shorter = pieces == 1 ? n : n / pieces;
    longer = n - pieces * shorter;
  }
  std::int64_t begin(std::int64_t piece) const {
    return piece * shorter + (piece < longer ? piece : longer);
  }
  std::int64_t size(std::int64_t piece) const { return shorter + (piece < longer ? 1 : 0); }
  std::int64_t longest() const { return shorter + (longer > 0 ? 1 : 0); }
};

// How a block is cut. Columns are cut in whole registers; only K's pieces show in the bits.
template <class T>
struct Plan {
  static constexpr int kLanes = Vec<T>::size;
  // Bytes of a packed block of A: half of the smallest L2 around (512 KiB).
  static constexpr std::int64_t kBytesOfA = 256 << 10;
  static constexpr std::int64_t kBytesOfB = 2 << 20;

  Split depth, panels, tiles;
  std::int64_t tiles_at_once, panels_at_once;

  explicit Plan(const GemmBlock<T>& block)
      : depth(block.k, kGemmDepth<T>),
        panels((block.n + kLanes - 1) / kLanes, kMaxVectors),
        tiles(block.m, kMaxRows[panels.longest()]) {
    const std::int64_t tile_bytes =
        depth.longest() * tiles.longest() * static_cast<std::int64_t>(sizeof(T));
    tiles_at_once = at_once(tiles.pieces, kBytesOfA / tile_bytes);
    const std::int64_t panel_bytes =
        depth.longest() * panels.longest() * kLanes * static_cast<std::int64_t>(sizeof(T));
    panels_at_once = at_once(panels.pieces, kBytesOfB / panel_bytes);
  }
  static std::int64_t at_once(std::int64_t pieces, std::int64_t room) {
    if (pieces <= room) return pieces;
    return Split(pieces, room < 1 ? 1 : room).longest();
  }
  // A packed tile of A, and a packed panel of B, in elements.
  std::int64_t tile_elements() const { return depth.longest() * tiles.longest(); }
  std::int64_t panel_elements() const { return depth.longest() * panels.longest() * kLanes; }
  std::int64_t a_elements(const GemmBlock<T>& block) const {
    if (!block.pack_a) return 0;
    // One register of room: the last row of a tile is written whole. Rounded up to 64 bytes.
    return (tiles_at_once * tile_elements() + 2 * kLanes - 1) / kLanes * kLanes;
  }
  std::int64_t b_elements(const GemmBlock<T>& block) const {
    if (!block.pack_b) return block.n % kLanes != 0 ? panel_elements() : 0;
    return tiles_at_once < tiles.pieces ? panels_at_once * panel_elements() : panel_elements();
  }
};

template <class T>
std::int64_t scratch_elements(const GemmBlock<T>& block) {
  const Plan<T> plan(block);
  return plan.a_elements(block) + plan.b_elements(block);
}

// One piece of K for one panel of columns: all tiles of [tile_begin, tile_end).
template <class T>
class Panel {
 public:
  Panel(const GemmBlock<T>& block, const Plan<T>& plan, const Finish<T>& finish)
      : block_(block),
        plan_(plan),
        finish_(finish),
        packed_a_(block.scratch),
        packed_b_(block.scratch + plan.a_elements(block)) {
    simple_finish_ = block.alpha == T(1) &&
                     (block.addend == nullptr || (block.beta == T(1) && block.addend_column == 1));
  }

  // Columns of panel j are ready in tile_.b afterwards.
  void open(std::int64_t piece, std::int64_t j, std::int64_t slot, bool pack_now) {
    constexpr int n = Vec<T>::size;
    p_ = plan_.depth.begin(piece);
    depth_ = plan_.depth.size(piece);
    j_ = plan_.panels.begin(j) * n;
    vectors_ = static_cast<int>(plan_.panels.size(j));
    const std::int64_t width = vectors_ * n < block_.n - j_ ? vectors_ * n : block_.n - j_;
    const T* b = block_.b + p_ * block_.b_row + j_ * block_.b_column;
    tile_.k = depth_;
    if (block_.pack_b || width < vectors_ * n) {
      T* packed = packed_b_ + slot * plan_.panel_elements();
      if (pack_now) {
        pack(b, block_.b_row, block_.b_column, depth_, width, width, packed, vectors_ * n);
      }
      tile_.b = packed;
      tile_.b_row = vectors_ * n;
    } else {
      tile_.b = b;
      tile_.b_row = block_.b_row;
    }
    const bool first = piece == 0, last = piece + 1 == plan_.depth.pieces;
    const bool whole = width == vectors_ * n && block_.c_column == 1;
    // Stored straight from the registers: one addition at most.
    const bool plain = whole && (!last || (simple_finish_ && (first || !block_.addend)));
    tile_.columns = plain ? 0 : static_cast<int>(width);
    tile_.accumulate = !first;
    tile_.finish = last ? &finish_ : nullptr;
    tile_.c_row = block_.c_row;
    tile_.c_column = block_.c_column;
    add_ = first ? (last ? block_.addend : nullptr) : block_.c;
    tile_.add_row = first ? block_.addend_row : block_.c_row;
    add_column_ = first ? block_.addend_column : block_.c_column;
  }

  void run(std::int64_t tile_begin, std::int64_t tile_end, bool pack_now) {
    Finish<T>* const finish = &finish_;
    for (std::int64_t t = tile_begin; t < tile_end; ++t) {
      const std::int64_t i = plan_.tiles.begin(t);
      const int rows = static_cast<int>(plan_.tiles.size(t));
      const T* a = block_.a + i * block_.a_row + p_ * block_.a_column;
      if (block_.pack_a) {
        T* packed = packed_a_ + (t - tile_begin) * plan_.tile_elements();
        if (pack_now) {
          pack(a, block_.a_column, block_.a_row, depth_, rows, block_.m - i, packed, rows);
        }
        tile_.a = packed;
        tile_.a_row = 1;
        tile_.a_column = rows;
      } else {
        tile_.a = a;
        tile_.a_row = block_.a_row;
        tile_.a_column = block_.a_column;
      }
      tile_.c = block_.c + i * block_.c_row + j_ * block_.c_column;
      tile_.add = add_ ? add_ + i * tile_.add_row + j_ * add_column_ : nullptr;
      finish->addend = block_.addend
                           ? block_.addend + i * block_.addend_row + j_ * block_.addend_column
                           : nullptr;
      kTiles<T>.functions[tile_.a_row == 1][vectors_ - 1][rows - 1](tile_);
    }
  }

 private:
  const GemmBlock<T>& block_;
  const Plan<T>& plan_;
  Finish<T> finish_;
  Tile<T> tile_;
  T* packed_a_;
  T* packed_b_;
  bool simple_finish_;
  std::int64_t p_, depth_, j_, add_column_;
  int vectors_;
  const T* add_;
};

// Loops, outermost first: columns that fit L3, pieces of K, rows that fit L2, panels, tiles. Packing
// happens where an operand is first needed, so that what was packed is still in the nearest cache.
template <class T>
void run(const GemmBlock<T>& block) {
  const Plan<T> plan(block);
  const Finish<T> finish{block.alpha, block.beta, block.addend, block.addend_row,
                         block.addend_column};
  Panel<T> panel(block, plan, finish);
  const bool keep_b = block.pack_b && plan.tiles_at_once < plan.tiles.pieces;
  const std::int64_t columns = plan.panels.pieces, rows = plan.tiles.pieces;
  for (std::int64_t jb = 0; jb < columns; jb += plan.panels_at_once) {
    const std::int64_t j_end =
        jb + plan.panels_at_once < columns ? jb + plan.panels_at_once : columns;
    for (std::int64_t piece = 0; piece < plan.depth.pieces; ++piece) {
      for (std::int64_t ib = 0; ib < rows; ib += plan.tiles_at_once) {
        const std::int64_t i_end = ib + plan.tiles_at_once < rows ? ib + plan.tiles_at_once : rows;
        for (std::int64_t j = jb; j < j_end; ++j) {
          panel.open(piece, j, keep_b ? j - jb : 0, ib == 0 || !keep_b);
          panel.run(ib, i_end, j == jb);
        }
      }
    }
  }
}

}  // namespace

extern const GemmKernels gemm_kernels = {
    {Vec<float>::size, scratch_elements<float>, run<float>, nullptr},
    {Vec<double>::size, scratch_elements<double>, run<double>, nullptr},
};

}  // namespace simdgrad::kernels::SIMDGRAD_ISA_NAME
