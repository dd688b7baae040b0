// Data sets, read from files where they lie. Errors name the file, what was found and what was
// needed.
#pragma once

#include <simdgrad/tensor.h>

#include <string>

namespace simdgrad::data {

// Reads an IDX file (the format of MNIST), plain or compressed with gzip, which is told by its first
// bytes: two zero bytes, a type (0x08 uint8, 0x09 int8, 0x0B int16, 0x0C int32, 0x0D float32, 0x0E
// float64), a number of dimensions from 1 to 64, that many big-endian uint32 sizes, and the numbers,
// big-endian, to the last byte of the file.
//
// The sizes are compared with the file before memory is taken for them (a compressed file can hold
// at most 1032 times its own size), and of a compressed file no more than they say is unpacked.
SIMDGRAD_API Tensor read_idx(const std::string& path);

// Images and what they show.
struct LabeledImages {
  Tensor images;  // uint8 [n, rows, columns]
  Tensor labels;  // int64 [n], from 0 to classes - 1
};

// Reads a pair of IDX files of bytes. Errors: images that are not [n, rows, columns], labels that
// are not [n], different counts, none at all, a label of `classes` or more.
SIMDGRAD_API LabeledImages read_labeled_images(const std::string& images_path,
                                               const std::string& labels_path,
                                               int64_t classes = 10);

struct Mnist {
  LabeledImages train, test;
};

// Reads the four files of MNIST, Fashion-MNIST and their kin from a folder:
// train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte,
// each with or without ".gz". Labels are 0 to 9. Error also when training and test images differ in
// size. Debian's package dataset-fashion-mnist puts its files into
// /usr/share/datasets/fashion-mnist.
SIMDGRAD_API Mnist load_mnist(const std::string& folder);

}  // namespace simdgrad::data
