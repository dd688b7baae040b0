// Files: safetensors read and written, the parameters of a module, and files replaced as a whole.
//
// Errors name the function, the file, what was found and what was needed.
#pragma once

#include <simdgrad/nn/module.h>
#include <simdgrad/ordered_dict.h>
#include <simdgrad/tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace simdgrad {

// --- files --------------------------------------------------------------------------------------

// What replace_file gives its caller to write with.
class SIMDGRAD_API FileWriter {
 public:
  virtual ~FileWriter();
  // Appends. Error with the system's text where the file cannot take it (a full disk).
  virtual void write(const void* data, size_t bytes) = 0;
  void write(std::string_view text) { write(text.data(), text.size()); }
};

// Makes `path` hold exactly what `content` writes, or leaves it as it was: everything goes to a
// temporary file in the same folder, which is synchronised with the disk and takes the place of
// `path` at the end. When anything fails, `content` included, the temporary file is removed and the
// failure thrown on. A process that is killed leaves its temporary file, ".NAME.tmp-NUMBER"; the next
// one that replaces `path` removes it once it is a minute old. A file that is replaced keeps its
// permissions; a symbolic link is followed.
// Errors: "cannot write out/model.safetensors: No space left on device (while writing)".
SIMDGRAD_API void replace_file(const std::string& path,
                               const std::function<void(FileWriter&)>& content);

// --- safetensors --------------------------------------------------------------------------------

using TensorDict = OrderedDict<std::string, Tensor>;
using StringDict = OrderedDict<std::string, std::string>;

// The tensors of a file in the order of its header, and its __metadata__.
struct Safetensors {
  TensorDict tensors{"Tensor"};
  StringDict metadata{"Metadata"};
};

// Writes tensors of any dtype, shape and strides to a file, by replace_file. Data starts at a
// multiple of 8 bytes, wider types before narrower ones, so that every tensor is aligned to its
// type. Errors: an undefined or sparse tensor, a name or text that is not UTF-8, the name
// "__metadata__", a header above 100,000,000 bytes. Python: safetensors.torch.save_file.
SIMDGRAD_API void save_safetensors(const std::string& path, const TensorDict& tensors,
                                   const StringDict& metadata = StringDict());

// Reads such a file, strictly: types F64 F32 I64 I32 I16 I8 U8 BOOL; every byte of the file belongs
// to the header or to exactly one tensor. Nothing is allocated that the size of the file does not
// warrant: the memory needed is that of the file, and for each tensor some 400 bytes and 32 for each of
// its dimensions. Error for anything else. Python: safetensors.torch.load_file.
SIMDGRAD_API Safetensors load_safetensors(const std::string& path);

// --- modules ------------------------------------------------------------------------------------

// Writes the module's parameters and buffers under their names, "0.weight", as safetensors.
SIMDGRAD_API void save(const nn::Module& module, const std::string& path);

// Reads them back into a module with the same names, shapes and dtypes; numbers are copied into the
// tensors that are there, which optimizers go on seeing. Errors name each parameter that does not
// fit, what the file has and the model needs, and what is missing or unexpected; the module is then
// as it was.
SIMDGRAD_API void load(nn::Module& module, const std::string& path);

template <class T>
void save(const nn::ModuleHolder<T>& module, const std::string& path) {
  save(static_cast<const nn::Module&>(*module), path);
}
template <class T>
requires std::is_base_of_v<nn::Module, T>
void save(const std::shared_ptr<T>& module, const std::string& path) {
  SIMDGRAD_CHECK(module, "save: got a null module");
  save(static_cast<const nn::Module&>(*module), path);
}
template <class T>
void load(nn::ModuleHolder<T>& module, const std::string& path) {
  load(static_cast<nn::Module&>(*module), path);
}
template <class T>
requires std::is_base_of_v<nn::Module, T>
void load(std::shared_ptr<T>& module, const std::string& path) {
  SIMDGRAD_CHECK(module, "load: got a null module");
  load(static_cast<nn::Module&>(*module), path);
}

}  // namespace simdgrad
