// Arithmetic on sizes that refuses to wrap. Texts are PyTorch's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <simdgrad/error.h>

namespace simdgrad {

// True, and result undefined, when the exact value does not fit.
inline bool multiply_overflows(std::int64_t a, std::int64_t b, std::int64_t* result) {
  return __builtin_mul_overflow(a, b, result);
}
inline bool add_overflows(std::int64_t a, std::int64_t b, std::int64_t* result) {
  return __builtin_add_overflow(a, b, result);
}

inline std::int64_t checked_multiply(std::int64_t a, std::int64_t b) {
  std::int64_t result;
  SIMDGRAD_CHECK(!multiply_overflows(a, b, &result), "integer multiplication overflow: ", a, " * ",
                 b);
  return result;
}

inline std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t result;
  SIMDGRAD_CHECK(!add_overflows(a, b, &result), "integer addition overflow: ", a, " + ", b);
  return result;
}

// Refuses a negative size, as the factories do.
inline void check_sizes_nonnegative(std::span<const std::int64_t> sizes) {
  for (const std::int64_t size : sizes) {
    SIMDGRAD_CHECK(size >= 0, "Trying to create tensor with negative dimension ", size, ": ",
                   sizes);
  }
}

// For what is computed of sizes that are never used, such as the strides of an empty tensor.
inline std::int64_t wrapping_multiply(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

// The product of the sizes, none of them negative: 0 where one of them is. True, and result undefined,
// where the others' product does not fit: no part of such a shape could be named.
inline bool numel_overflows(std::span<const std::int64_t> sizes, std::int64_t* result) {
  std::int64_t product = 1;
  bool empty = false, overflow = false;
  for (const std::int64_t size : sizes) {
    empty |= size == 0;
    if (size > 1) overflow |= multiply_overflows(product, size, &product);
  }
  *result = empty ? 0 : product;
  return overflow;
}
inline std::int64_t numel(std::span<const std::int64_t> sizes) {
  std::int64_t product;
  SIMDGRAD_CHECK(!numel_overflows(sizes, &product), "numel: integer multiplication overflow");
  return product;
}

// Bytes of a contiguous tensor.
inline std::size_t byte_count(std::span<const std::int64_t> sizes, std::size_t item_size) {
  std::int64_t items, bytes;
  bool overflow = numel_overflows(sizes, &items);
  overflow |= multiply_overflows(items, static_cast<std::int64_t>(item_size), &bytes);
  SIMDGRAD_CHECK(!overflow, "Storage size calculation overflowed with sizes=", sizes);
  return static_cast<std::size_t>(bytes);
}

// Bytes that a strided tensor spans from its first element, 0 for an empty one; strides are not
// negative, and the place of the first element is one that can be named.
inline std::size_t byte_count(std::span<const std::int64_t> sizes,
                              std::span<const std::int64_t> strides, std::size_t item_size,
                              std::int64_t storage_offset = 0) {
  std::int64_t items = 1;
  bool overflow = add_overflows(items, storage_offset, &items), empty = false;
  for (const std::int64_t size : sizes) empty |= size == 0;
  for (std::size_t dim = 0; !empty && dim < sizes.size(); ++dim) {
    std::int64_t reach;
    overflow |= multiply_overflows(sizes[dim] - 1, strides[dim], &reach);
    overflow |= add_overflows(items, reach, &items);
  }
  std::int64_t bytes;
  overflow |= multiply_overflows(items, static_cast<std::int64_t>(item_size), &bytes);
  SIMDGRAD_CHECK(!overflow, "Storage size calculation overflowed with sizes=", sizes,
                 " and strides=", strides);
  return empty ? 0 : static_cast<std::size_t>(bytes);
}

}  // namespace simdgrad
