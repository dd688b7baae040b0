// Pairs of images and labels, and the four files of MNIST.
#include <simdgrad/data.h>
#include <simdgrad/views.h>

#include <unistd.h>

namespace simdgrad::data {
namespace {

// The file itself, or its compressed form.
std::string find(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name;
  if (::access(path.c_str(), F_OK) == 0) return path;
  if (::access((path + ".gz").c_str(), F_OK) == 0) return path + ".gz";
  SIMDGRAD_THROW("load_mnist: ", folder, " has neither ", name, " nor ", name, ".gz");
}

LabeledImages load_part(const std::string& folder, const std::string& part) {
  const std::string images = find(folder, part + "-images-idx3-ubyte");
  return read_labeled_images(images, find(folder, part + "-labels-idx1-ubyte"));
}

}  // namespace

LabeledImages read_labeled_images(const std::string& images_path, const std::string& labels_path,
                                  int64_t classes) {
  const Tensor images = read_idx(images_path);
  SIMDGRAD_CHECK(images.dim() == 3 && images.scalar_type() == kUInt8,
                 "read_labeled_images: ", images_path, ": found sizes ", images.sizes(), " of ",
                 dtype_name(images.scalar_type()), ", images are [n, rows, columns] of uint8");
  SIMDGRAD_CHECK(images.numel() > 0, "read_labeled_images: ", images_path, ": found sizes ",
                 images.sizes(), ", at least one pixel is needed");
  const Tensor labels = read_idx(labels_path);
  SIMDGRAD_CHECK(labels.dim() == 1 && labels.scalar_type() == kUInt8,
                 "read_labeled_images: ", labels_path, ": found sizes ", labels.sizes(), " of ",
                 dtype_name(labels.scalar_type()), ", labels are [n] of uint8");
  SIMDGRAD_CHECK(images.size(0) == labels.size(0), "read_labeled_images: ", images_path, " has ",
                 images.size(0), " images, ", labels_path, " has ", labels.size(0), " labels");
  SIMDGRAD_CHECK(classes > 0, "read_labeled_images: got ", classes, " classes, at least one is needed");
  const uint8_t* label = labels.data_ptr<uint8_t>();
  for (int64_t i = 0; i < labels.numel(); ++i)
    SIMDGRAD_CHECK(label[i] < classes, "read_labeled_images: ", labels_path, ": label ", i, " is ",
                   int{label[i]}, ", 0 to ", classes - 1, " are possible");
  return {images, labels.to(kLong)};
}

Mnist load_mnist(const std::string& folder) {
  Mnist mnist{load_part(folder, "train"), load_part(folder, "t10k")};
  const Tensor &train = mnist.train.images, &test = mnist.test.images;
  SIMDGRAD_CHECK(train.size(1) == test.size(1) && train.size(2) == test.size(2),
                 "load_mnist: ", folder, ": training images are ", train.sizes().slice(1),
                 ", test images are ", test.sizes().slice(1));
  return mnist;
}

}  // namespace simdgrad::data
