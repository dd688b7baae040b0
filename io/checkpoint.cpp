// save and load of a module's parameters and buffers.
#include <simdgrad/autograd.h>
#include <simdgrad/io.h>

#include <sstream>

namespace simdgrad {
namespace {

TensorDict tensors_of(const nn::Module& module) {
  TensorDict tensors = module.named_parameters();
  tensors.update(module.named_buffers());
  return tensors;
}

std::string described(const Tensor& tensor) {
  std::ostringstream text;
  text << tensor.sizes() << " of " << dtype_name(tensor.scalar_type());
  return text.str();
}

// Collects what does not fit; a long list is cut.
class Misfits {
 public:
  void add(const std::string& misfit) {
    if (++count_ <= kShown) text_ += (count_ > 1 ? "; " : "") + misfit;
  }
  int count() const { return count_; }
  std::string text() const {
    return count_ <= kShown ? text_ : text_ + "; and " + std::to_string(count_ - kShown) + " more";
  }

 private:
  static constexpr int kShown = 8;
  int count_ = 0;
  std::string text_;
};

}  // namespace

void save(const nn::Module& module, const std::string& path) {
  save_safetensors(path, tensors_of(module));
}

void load(nn::Module& module, const std::string& path) {
  const Safetensors file = load_safetensors(path);
  TensorDict tensors = tensors_of(module);
  Misfits misfits;
  for (const auto& item : tensors) {
    const Tensor* found = file.tensors.find(item.key());
    if (!found) {
      misfits.add("'" + item.key() + "' is missing from the file, the model needs " +
                  described(item.value()));
    } else if (!(found->sizes() == item.value().sizes()) ||
               found->scalar_type() != item.value().scalar_type()) {
      misfits.add("'" + item.key() + "' is " + described(*found) +
                  " in the file, the model needs " + described(item.value()));
    } else if (detail::has_repeats(item.value())) {
      misfits.add("'" + item.key() + "' of the model has elements that share memory");
    }
  }
  for (const auto& item : file.tensors)
    if (!tensors.contains(item.key()))
      misfits.add("'" + item.key().substr(0, 80) +
                  "' is in the file, the model has no tensor of that name");
  SIMDGRAD_CHECK(misfits.count() == 0, "load: ", path, " does not fit the model: ", misfits.text());
  NoGradGuard no_grad;
  for (auto& item : tensors) item.value().copy_(*file.tensors.find(item.key()));
}

}  // namespace simdgrad
