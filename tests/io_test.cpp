// Files replaced, safetensors good and bad, checkpoints of modules.
#include <simdgrad/autograd.h>
#include <simdgrad/creation.h>
#include <simdgrad/io.h>
#include <simdgrad/memory.h>
#include <simdgrad/nn/layers.h>
#include <simdgrad/nn/sequential.h>
#include <simdgrad/random.h>
#include <simdgrad/views.h>

#include <signal.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "tests/catch.h"
#include "tests/scratch_folder.h"

using namespace simdgrad;

namespace {

template <class Function>
std::string message_of(const Function& function) {
  try {
    function();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string bytes_of(const Tensor& tensor) {
  const Tensor whole = tensor.detach().contiguous();
  return std::string(static_cast<const char*>(whole.data_ptr()),
                     static_cast<size_t>(whole.nbytes()));
}

bool same(const Tensor& a, const Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && bytes_of(a) == bytes_of(b);
}

// A file with this header and data; `length` is what it says about its header.
std::string file_of(const std::string& header, const std::string& data, uint64_t length) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}
std::string file_of(const std::string& header, const std::string& data) {
  return file_of(header, data, header.size());
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape +
         "],\"data_offsets\":[" + offsets + "]}";
}

std::string repeated(const std::string& text, size_t times) {
  std::string result;
  for (size_t i = 0; i < times; ++i) result += text;
  return result;
}

}  // namespace

// --- replace_file -------------------------------------------------------------------------------

TEST_CASE("a file is replaced as a whole or left as it was") {
  const ScratchFolder folder;
  const std::string path = folder / "file";
  replace_file(path, [](FileWriter& file) { file.write("first"); });
  REQUIRE(folder.read("file") == "first");

  SECTION("by short and long pieces") {
    const std::string large(300000, 'x');
    replace_file(path, [&](FileWriter& file) {
      file.write("a");
      file.write(large);
      for (int i = 0; i < 30000; ++i) file.write("piece");
      file.write("");
      file.write("z");
    });
    REQUIRE(folder.read("file") == "a" + large + repeated("piece", 30000) + "z");
  }
  SECTION("permissions stay, those of a new file are the usual ones") {
    struct stat status;
    const mode_t mask = ::umask(0);
    ::umask(mask);
    REQUIRE(::stat(path.c_str(), &status) == 0);
    REQUIRE((status.st_mode & 07777) == (0666 & ~mask));
    REQUIRE(::chmod(path.c_str(), 0640) == 0);
    replace_file(path, [](FileWriter& file) { file.write("second"); });
    REQUIRE(::stat(path.c_str(), &status) == 0);
    REQUIRE((status.st_mode & 07777) == 0640);
  }
  SECTION("a symbolic link is followed") {
    REQUIRE(::symlink("file", (folder / "link").c_str()) == 0);
    replace_file(folder / "link", [](FileWriter& file) { file.write("second"); });
    REQUIRE(folder.read("file") == "second");
    REQUIRE(std::filesystem::is_symlink(folder / "link"));
  }
  SECTION("an exception of the content") {
    REQUIRE_THROWS_AS(replace_file(path,
                                   [](FileWriter& file) {
                                     file.write(std::string(100000, 'x'));
                                     throw std::logic_error("no more");
                                   }),
                      std::logic_error);
    REQUIRE(folder.read("file") == "first");
  }
  SECTION("no room: the same way as on a full disk, the n-th write fails") {
    struct rlimit old, low;
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
    const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
    for (const rlim_t limit : {0, 1, 70000, 200000}) {
      low = old;
      low.rlim_cur = limit;
      REQUIRE(::setrlimit(RLIMIT_FSIZE, &low) == 0);
      const std::string message = message_of([&] {
        replace_file(path, [](FileWriter& file) {
          for (int i = 0; i < 300; ++i) file.write(std::string(1000, 'x'));
        });
      });
      ::setrlimit(RLIMIT_FSIZE, &old);
      REQUIRE(message == "cannot write " + path + ": File too large (while writing)");
      REQUIRE(folder.read("file") == "first");
      REQUIRE(folder.names() == std::vector<std::string>{"file"});
    }
    ::signal(SIGXFSZ, old_handler);
  }
  SECTION("places where no file can be") {
    const auto refused = [&](const std::string& place, const std::string& text) {
      REQUIRE(message_of([&] { replace_file(place, [](FileWriter&) {}); }) ==
              "cannot write " + place + ": " + text);
    };
    refused(folder / "no/file",
            "No such file or directory (while creating a temporary file in its folder)");
    refused(path + "/file", "Not a directory (while creating a temporary file in its folder)");
    refused(folder.path(), "it exists and is not a regular file");
    REQUIRE(::symlink("nowhere", (folder / "link").c_str()) == 0);
    refused(folder / "link", "No such file or directory (while following the symbolic link)");
    ::unlink((folder / "link").c_str());
    REQUIRE_THROWS_AS(replace_file("", [](FileWriter&) {}), Error);
    if (::geteuid() != 0) {
      REQUIRE(::chmod(folder.path().c_str(), 0500) == 0);
      refused(path, "Permission denied (while creating a temporary file in its folder)");
      REQUIRE(::chmod(folder.path().c_str(), 0700) == 0);
    }
  }
  SECTION("the longest name a file can have") {
    const std::string name(255, 'n');
    replace_file(folder / name, [](FileWriter& file) { file.write("long"); });
    REQUIRE(folder.read(name) == "long");
    ::unlink((folder / name).c_str());
  }
  SECTION("what killed writers left is removed once it is old and nobody holds it") {
    const auto left = [&](const std::string& name, int seconds) {
      folder.write(name, "half");
      const timespec then{::time(nullptr) - seconds, 0};
      const timespec times[] = {then, then};
      REQUIRE(::utimensat(AT_FDCWD, (folder / name).c_str(), times, 0) == 0);
    };
    left(".file.tmp-17", 3600);
    left(".file.tmp-18", 3600);
    left(".file.tmp-19", 5);           // may be at work still
    left(".file.tmp-x", 3600);         // not a name that we give
    left(".file2.tmp-17", 3600);       // another's
    const int writer = ::open((folder / ".file.tmp-18").c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(writer >= 0);
    REQUIRE(::flock(writer, LOCK_EX) == 0);
    replace_file(path, [](FileWriter& file) { file.write("second"); });
    CHECK(folder.names() == std::vector<std::string>{".file.tmp-18", ".file.tmp-19", ".file.tmp-x",
                                                     ".file2.tmp-17", "file"});
    ::close(writer);
    replace_file(path, [](FileWriter& file) { file.write("third"); });
    CHECK(folder.names() ==
          std::vector<std::string>{".file.tmp-19", ".file.tmp-x", ".file2.tmp-17", "file"});
    for (const char* name : {".file.tmp-19", ".file.tmp-x", ".file2.tmp-17"})
      ::unlink((folder / name).c_str());
  }
  SECTION("a writer's own file is locked while it writes") {
    replace_file(path, [&](FileWriter& file) {
      file.write("second");
      const std::string name = folder.names()[0];
      REQUIRE(name.starts_with(".file.tmp-"));
      const int other = ::open((folder / name).c_str(), O_RDONLY | O_CLOEXEC);
      CHECK(::flock(other, LOCK_EX | LOCK_NB) != 0);
      ::close(other);
    });
    REQUIRE(folder.read("file") == "second");
  }
  // No temporary file is left behind, whatever happened.
  for (const std::string& name : folder.names()) REQUIRE((name == "file" || name == "link"));
}

// --- safetensors --------------------------------------------------------------------------------

TEST_CASE("safetensors: what is written is read back, bit for bit") {
  const ScratchFolder folder;
  const std::string path = folder / "all.safetensors";
  TensorDict tensors;
  for (const ScalarType dtype : {kUInt8, kBool, kInt8, kInt16, kInt32, kFloat, kInt64, kDouble}) {
    const std::string name = dtype_name(dtype);
    tensors.insert(name, tensor({0, 1, 1}, dtype));
    tensors.insert(name + " 0-d", tensor(1, dtype));
    tensors.insert(name + " empty", empty({2, 0, 3}, dtype));
  }
  const float nan = std::numeric_limits<float>::quiet_NaN();
  tensors.insert("odd values", tensor({nan, -nan, -0.f, INFINITY, 1e-45f}));
  manual_seed(0);
  tensors.insert("transposed", rand({3, 5}).t());
  tensors.insert("every other", rand({6, 4}).slice(0, 1, 6, 2));
  tensors.insert("expanded", rand({3, 1}).expand({3, 4}));
  tensors.insert("large", rand({300, 200}));
  tensors.insert("leaf", rand({2, 2}, TensorOptions().requires_grad(true)));
  tensors.insert("", ones({1}));
  tensors.insert("../\"quotes\"\n\t\x01 \xe2\x98\x83 \\", ones({2}));
  StringDict metadata;
  metadata.insert("made by", "simdgrad");
  metadata.insert("\xe2\x98\x83", "\"");

  save_safetensors(path, tensors, metadata);
  const Safetensors loaded = load_safetensors(path);
  REQUIRE(loaded.tensors.keys() == tensors.keys());
  for (const auto& item : tensors) {
    INFO(item.key());
    REQUIRE(same(loaded.tensors[item.key()], item.value()));
    REQUIRE(loaded.tensors[item.key()].is_contiguous());
  }
  REQUIRE(loaded.metadata.keys() == metadata.keys());
  REQUIRE(loaded.metadata.values() == metadata.values());

  uint64_t header_bytes;
  std::memcpy(&header_bytes, folder.read("all.safetensors").data(), 8);
  REQUIRE(header_bytes % 8 == 0);

  save_safetensors(path, TensorDict());
  REQUIRE(folder.read("all.safetensors").size() == 16);
  REQUIRE(load_safetensors(path).tensors.is_empty());
}

TEST_CASE("safetensors: a file of the Python package") {
  const Safetensors file = load_safetensors(SIMDGRAD_TEST_DATA "/theirs.safetensors");
  REQUIRE(file.metadata["made by"] == "safetensors 0.8.0");
  REQUIRE(file.metadata["\xc3\xa9"] == "\xe2\x98\x83");
  REQUIRE(file.tensors.size() == 9);
  REQUIRE(
      same(file.tensors["weight"], tensor({{1.5f, -2.f, 0.25f}, {INFINITY, -0.f, 3e38f}}, kFloat)));
  REQUIRE(same(file.tensors["bias"], tensor({1e300, -1.}, kDouble)));
  REQUIRE(same(file.tensors["ids"], tensor({int64_t{-1}, int64_t{1} << 62})));
  REQUIRE(same(file.tensors["i32"], tensor(7, kInt)));
  REQUIRE(same(file.tensors["i16"], tensor({-300}, kShort)));
  REQUIRE(same(file.tensors["i8"], tensor({-128}, kChar)));
  REQUIRE(same(file.tensors["u8"], tensor({255}, kByte)));
  REQUIRE(same(file.tensors["mask"], tensor({true, false, true})));
  REQUIRE(file.tensors["none"].sizes().vec() == std::vector<int64_t>{0, 3});
}

TEST_CASE("safetensors: every bad file is refused by name, with what was found and needed") {
  struct Case {
    std::string bytes, text;
  };
  const std::string a4 = entry("a", "F32", "1", "0,4");
  const uint64_t max = std::numeric_limits<uint64_t>::max();
  const std::string max_text = "18446744073709551615";
  const Case cases[] = {
      // The length of the header.
      {"", "the file has 0 bytes, a safetensors file has at least 8"},
      {"1234567", "the file has 7 bytes"},
      {file_of("", "", 0), "the header must begin with {"},
      {file_of("{}", "", uint64_t{1} << 63), "said to have 9223372036854775808 bytes, at most"},
      {file_of("{}", "", max), "said to have " + max_text + " bytes, at most 100000000"},
      {file_of("{}", "", max - 7), "said to have 18446744073709551608 bytes, at most"},
      {file_of("{}", "", 100'000'001), "said to have 100000001 bytes, at most 100000000"},
      {file_of("{}", "", 100'000'000), "said to have 100000000 bytes, the file has 2 after"},
      {file_of("{}", "", 3), "said to have 3 bytes, the file has 2 after its length"},
      // Its text.
      {file_of("[", ""), "must begin with {"},
      {file_of("[]", ""), "must begin with {"},
      {file_of(" {}", ""), "must begin with {"},
      {file_of("\xef\xbb\xbf{}", ""), "must begin with {"},
      {file_of("{}\n", ""), "must end with } and spaces"},
      {file_of("{", ""), "must end with }"},
      {file_of("{}}", ""), "not valid JSON in UTF-8 at byte 3"},
      {file_of("{}{}", ""), "not valid JSON"},
      {file_of(std::string("{}\0}", 4), ""), "must end with }"},
      {file_of("{\"\xff\xfe\":{}}", ""), "not valid JSON in UTF-8 at byte 3"},
      {file_of("{\"\xc0\xaf\":{}}", ""), "not valid JSON in UTF-8"},
      {file_of("{\"\\ud800\":{}}", ""), "not valid JSON in UTF-8"},
      {file_of("{\"a\\u0000b\":{}}", ""), "the name 'a\\x00b' holds a zero character"},
      {file_of("{'a':1}", ""), "not valid JSON"},
      {file_of("{" + a4 + ",}", "1234"), "not valid JSON"},
      {file_of("{\"a\":1}", ""), "the header has the number 1 for 'a', it needs an object"},
      {file_of("{\"a\":null}", ""), "the header has null for 'a'"},
      {file_of("{\"" + std::string(1 << 20, 'n') + "\":true}", ""),
       "the header has true for '" + std::string(80, 'n') + "...', it needs an object"},
      // Depth.
      {file_of("{\"a\":" + repeated("[", 100000) + "}", ""), "the header has a list for 'a'"},
      {file_of(repeated("{\"a\":", 100000) + "}", ""), "'a' has the key 'a', it needs dtype"},
      {file_of("{\"a\":{\"shape\":" + repeated("[", 100000) + "}", ""), "has a list in its shape"},
      {file_of("{\"__metadata__\":" + repeated("{\"a\":", 100000) + "}", ""),
       "__metadata__ has an object for 'a', it needs a text"},
      // __metadata__.
      {file_of("{\"__metadata__\":[]}", ""), "the header has a list for '__metadata__'"},
      {file_of("{\"__metadata__\":{\"a\":1}}", ""), "__metadata__ has the number 1 for 'a'"},
      {file_of("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", ""),
       "__metadata__ has the key 'a' twice"},
      {file_of("{\"__metadata__\":{},\"__metadata__\":{}}", ""), "__metadata__ appears twice"},
      // Keys.
      {file_of("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", "1234"), "'a' has no dtype"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "1234"), "'a' has no shape"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", "1234"), "'a' has no data_offsets"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"I32\"}}", ""), "'a' has dtype twice"},
      {file_of("{\"a\":{\"DTYPE\":\"F32\"}}", ""),
       "'a' has the key 'DTYPE', it needs dtype, shape and data_offsets alone"},
      // Duplicates: the second must not win, of whatever type it is.
      {file_of("{" + a4 + "," + a4 + "}", "1234"), "'a' overlaps another one"},
      {file_of("{" + a4 + "," + entry("a", "I32", "1", "4,8") + "}", "12345678"),
       "'a' appears twice"},
      {file_of("{" + a4 + "," + entry("\\u0061", "F32", "0", "4,4") + "}", "1234"),
       "'a' appears twice"},
      // dtype.
      {file_of("{" + entry("a", "F16", "2", "0,4") + "}", "1234"),
       "'a' has the dtype 'F16', F64, F32, I64, I32, I16, I8, U8 and BOOL can be read"},
      {file_of("{" + entry("a", "BF16", "2", "0,4") + "}", "1234"), "has the dtype 'BF16'"},
      {file_of("{" + entry("a", "F4", "8", "0,4") + "}", "1234"), "has the dtype 'F4'"},
      {file_of("{" + entry("a", "f32", "1", "0,4") + "}", "1234"), "has the dtype 'f32'"},
      {file_of("{" + entry("a", "", "1", "0,4") + "}", "1234"), "has the dtype ''"},
      {file_of("{\"a\":{\"dtype\":4}}", ""), "'a' has the number 4 for dtype, it needs a text"},
      {file_of("{\"a\":{\"dtype\":[]}}", ""), "'a' has a list for dtype"},
      {file_of("{" + entry("a", "BOOL", "4", "0,4") + "}", std::string("\0\1\2\1", 4)),
       "'a' of BOOL has the value 2 at 2, it needs 0 or 1"},
      // shape.
      {file_of("{" + entry("a", "F32", "-1", "0,4") + "}", "1234"),
       "'a' has the number -1 in its shape, it needs whole numbers from 0"},
      {file_of("{" + entry("a", "F32", "-0", "0,0") + "}", ""), "in its shape"},
      {file_of("{" + entry("a", "F32", "1.0", "0,4") + "}", "1234"), "has the number 1.0 in its"},
      {file_of("{" + entry("a", "F32", "1e400", "0,4") + "}", "1234"), "not valid JSON"},
      {file_of("{" + entry("a", "F32", "1e3", "0,4") + "}", "1234"), "has the number 1e3 in its"},
      {file_of("{" + entry("a", "F32", "\"1\"", "0,4") + "}", "1234"), "has the text '1' in its"},
      {file_of("{" + entry("a", "F32", "true", "0,4") + "}", "1234"), "has true in its shape"},
      {file_of("{" + entry("a", "F32", max_text + "0", "0,4") + "}", "1234"), "in its shape"},
      {file_of("{" + entry("a", "F32", max_text, "0,4") + "}", "1234"),
       "has the number " + max_text + ", at most 9223372036854775807"},
      {file_of("{" + entry("a", "F32", "4294967296,4294967296", "0,4") + "}", "1234"),
       "has 4 bytes of data, its shape [4294967296, 4294967296] of F32 needs more than 2^63"},
      {file_of("{" + entry("a", "F32", "9223372036854775807", "0,4") + "}", "1234"),
       "needs more than 2^63"},
      {file_of("{" + entry("a", "U8", "9223372036854775808", "0,4") + "}", "1234"), "at most"},
      {file_of("{" + entry("a", "F32", "4611686018427387904", "0,0") + "}", ""),
       "needs more than 2^63"},
      {file_of("{" + entry("a", "F32", "2", "0,4") + "}", "1234"), "of F32 needs 8"},
      {file_of("{" + entry("a", "F32", "", "0,0") + "}", ""), "its shape [] of F32 needs 4"},
      {file_of("{" + entry("a", "F32", repeated("1,", 64) + "1", "0,4") + "}", "1234"),
       "'a' has more than 64 dimensions, at most 64"},
      {file_of("{\"a\":{\"shape\":4}}", ""), "'a' has the number 4 for shape"},
      {file_of("{\"a\":{\"shape\":{}}}", ""), "'a' has an object for shape"},
      // data_offsets.
      {file_of("{" + entry("a", "F32", "1", "0") + "}", "1234"), "has 1 data_offsets, it needs 2"},
      {file_of("{" + entry("a", "F32", "1", "") + "}", "1234"), "has 0 data_offsets"},
      {file_of("{" + entry("a", "F32", "1", "0,4,4") + "}", "1234"), "more than 2 data_offsets"},
      {file_of("{" + entry("a", "F32", "1", "4,0") + "}", "1234"), "data_offsets [4, 0]"},
      {file_of("{" + entry("a", "F32", "1", "0,8") + "}", "1234"),
       "has the data_offsets [0, 8], the file has 4 bytes of data"},
      {file_of("{" + entry("a", "F32", "1", "0,\"4\"") + "}", "1234"), "in its data_offsets"},
      {file_of("{" + entry("a", "F32", "1", "0,4.0") + "}", "1234"), "in its data_offsets"},
      {file_of("{" + entry("a", "F32", "1", "-4,0") + "}", "1234"), "in its data_offsets"},
      {file_of("{" + entry("a", "F32", "1", "0," + max_text) + "}", "1234"), "at most"},
      {file_of("{" + entry("a", "F32", "1", "9223372036854775803,9223372036854775807") + "}",
               "1234"),
       "the file has 4 bytes of data"},
      // Tiling.
      {file_of("{" + a4 + "}", "12345"), "its tensors have 4 bytes, the file has 5 bytes of data"},
      {file_of("{" + a4 + "}", "123"), "data_offsets [0, 4], the file has 3 bytes of data"},
      {file_of("{}", "1"), "its tensors have 0 bytes, the file has 1"},
      {file_of("{" + a4 + "," + entry("b", "U8", "4", "3,7") + "}", "12345678"),
       "'b' begins at byte 3 of the data, the one before it ends at 4"},
      {file_of("{" + a4 + "," + entry("b", "U8", "3", "5,8") + "}", "12345678"),
       "'b' begins at byte 5 of the data, the one before it ends at 4"},
      {file_of("{" + entry("a", "U8", "1", "1,2") + "}", "12"), "'a' begins at byte 1"},
      {file_of("{" + entry("a", "U8", "0", "1,1") + "," + entry("b", "U8", "2", "0,2") + "}", "12"),
       "'a' begins at byte 1 of the data, the one before it ends at 2"},
  };
  const ScratchFolder folder;
  for (const Case& bad : cases) {
    const std::string path = folder.write("bad", bad.bytes);
    const std::string message = message_of([&] { load_safetensors(path); });
    INFO(bad.bytes.substr(8 <= bad.bytes.size() ? 8 : 0, 200) << "\n" << message.substr(0, 400));
    REQUIRE(message.find("load_safetensors: " + path + ": ") == 0);
    REQUIRE_THAT(message, ContainsSubstring(bad.text));
    REQUIRE(message.size() < 600);
  }
}

TEST_CASE("safetensors: a file cut anywhere, or no file") {
  const ScratchFolder folder;
  save_safetensors(folder / "good", {{"a", ones({3})}, {"b", ones({2, 2}, kLong)}});
  const std::string good = folder.read("good");
  for (size_t length = 0; length < good.size(); ++length) {
    const std::string path = folder.write("cut", good.substr(0, length));
    INFO("length " << length);
    REQUIRE(message_of([&] { load_safetensors(path); }).find("load_safetensors: " + path) == 0);
  }
  const std::string missing = folder / "missing";
  REQUIRE(message_of([&] { load_safetensors(missing); }) ==
          "load_safetensors: cannot read " + missing + ": No such file or directory");
  REQUIRE(message_of([&] { load_safetensors(folder.path()); }) ==
          "load_safetensors: " + folder.path() + " is not a regular file");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  REQUIRE_THAT(message_of([&] { load_safetensors(folder / "pipe"); }),
               ContainsSubstring("not a regular file"));
}

TEST_CASE("safetensors: unusual files that are good, and no memory on a header's word") {
  const ScratchFolder folder;
  const auto load = [&](const std::string& bytes) {
    return load_safetensors(folder.write("file", bytes)).tensors;
  };
  REQUIRE(load(file_of("{}      ", "")).is_empty());
  REQUIRE(load(file_of("{ \"a\" : {\"data_offsets\":[0,4],\n\"shape\":[],\"dtype\":\"F32\"} }",
                       "1234"))["a"]
              .dim() == 0);
  REQUIRE(load(file_of("{" + entry("", "U8", "1", "0,1") + "}", "1")).contains(""));
  REQUIRE(load(file_of("{" + entry("../../x", "U8", "1", "0,1") + "}", "1")).contains("../../x"));
  const std::string long_name(1 << 20, 'n');
  REQUIRE(load(file_of("{" + entry(long_name, "U8", "1", "0,1") + "}", "1")).contains(long_name));
  REQUIRE(load(file_of("{" + entry("a", "F64", "4294967296,4294967,0", "0,0") + "}", ""))["a"]
              .numel() == 0);
  // MLX writes this.
  REQUIRE(load(file_of("{\"__metadata__\":null," + entry("a", "U8", "1", "0,1") + "}", "1"))
              .contains("a"));
  // Out of order, not aligned, all NaN.
  const TensorDict two =
      load(file_of("{" + entry("a", "F32", "2", "1,9") + "," + entry("b", "U8", "1", "0,1") + "}",
                   std::string(9, '\xff')));
  REQUIRE(std::isnan(two["a"].data_ptr<float>()[1]));
  REQUIRE(two["b"].data_ptr<uint8_t>()[0] == 255);

  std::string many = "{";
  for (int i = 0; i < 100000; ++i)
    many += (i ? "," : "") + entry(std::to_string(i), "U8", "0", "0,0");
  REQUIRE(load(file_of(many + "}", "")).size() == 100000);

  // 100,000 tensors on the same bytes, and sizes that no file has.
  reset_peak_memory_stats();
  const int64_t before = memory_stats().peak_bytes;
  many = "{";
  for (int i = 0; i < 100000; ++i)
    many += (i ? "," : "") + entry(std::to_string(i), "U8", "1000", "0,1000");
  REQUIRE_THROWS_AS(load(file_of(many + "}", std::string(1000, 'x'))), Error);
  REQUIRE_THROWS_AS(load(file_of("{" + entry("a", "U8", "1099511627776", "0,1099511627776") + "}",
                                 std::string(1000, 'x'))),
                    Error);
  REQUIRE(memory_stats().peak_bytes - before < 100000);
}

TEST_CASE("safetensors: what cannot be saved leaves no file") {
  const ScratchFolder folder;
  const std::string path = folder / "file";
  const auto refused = [&](const TensorDict& tensors, const std::string& text,
                           const StringDict& metadata = StringDict()) {
    REQUIRE(message_of([&] { save_safetensors(path, tensors, metadata); }) ==
            "save_safetensors: " + path + ": " + text);
    REQUIRE(folder.names().empty());
  };
  refused({{"a", Tensor()}}, "tensor 'a' is undefined, it needs to be dense");
  refused({{"__metadata__", ones({1})}}, "no tensor can have the name __metadata__");
  refused({{"\xff", ones({1})}}, "the name or text '\xff' is not UTF-8");
  refused({{std::string("a\0", 2), ones({1})}}, "the name 'a\\x00' holds a zero character");
  refused(TensorDict(), "the name or text '\xc0' is not UTF-8", {{"a", "\xc0"}});
  REQUIRE_THAT(message_of([&] {
                 save_safetensors(folder / "no/file", {{"a", ones({1})}});
               }),
               ContainsSubstring("cannot write " + (folder / "no/file")));
}

// --- modules ------------------------------------------------------------------------------------

namespace {

nn::Sequential small_model(int64_t hidden) {
  return nn::Sequential(nn::Linear(4, hidden), nn::ReLU(),
                        nn::Linear(nn::LinearOptions(hidden, 2).bias(false)));
}

std::string all_bytes(const nn::Sequential& model) {
  std::string bytes;
  for (const Tensor& parameter : model->parameters()) bytes += bytes_of(parameter);
  return bytes;
}

}  // namespace

TEST_CASE("a module's parameters and buffers are saved and loaded in place") {
  const ScratchFolder folder;
  manual_seed(1);
  nn::Sequential model = small_model(3), other = small_model(3);
  model->register_buffer("steps", tensor({5, 6}));
  other->register_buffer("steps", tensor({0, 0}));
  save(model, folder / "model");
  REQUIRE(load_safetensors(folder / "model").tensors.keys() ==
          std::vector<std::string>{"0.weight", "0.bias", "2.weight", "steps"});
  const std::vector<Tensor> parameters = other->parameters();
  const void* data = parameters[0].data_ptr();
  const int64_t version = parameters[0]._version();
  REQUIRE(all_bytes(other) != all_bytes(model));
  load(other, folder / "model");
  REQUIRE(all_bytes(other) == all_bytes(model));
  REQUIRE(same(other->named_buffers()["steps"], tensor({5, 6})));
  // The tensors are the same ones, still leaves that train, and their change is counted.
  REQUIRE(other->parameters()[0].is_same(parameters[0]));
  REQUIRE(parameters[0].data_ptr() == data);
  REQUIRE((parameters[0].requires_grad() && parameters[0].is_leaf()));
  REQUIRE(parameters[0]._version() == version + 1);

  std::shared_ptr<nn::Module> base = other.ptr();
  save(base, folder / "again");
  load(base, folder / "again");
  REQUIRE(folder.read("again") == folder.read("model"));
}

TEST_CASE("a checkpoint that does not fit leaves the model as it was") {
  const ScratchFolder folder;
  const std::string path = folder / "model";
  manual_seed(1);
  nn::Sequential model = small_model(3);
  const std::string before = all_bytes(model);
  const int64_t version = model->parameters()[0]._version();
  const auto refused = [&](const TensorDict& tensors, const std::string& text) {
    save_safetensors(path, tensors);
    REQUIRE(message_of([&] { load(model, path); }) ==
            "load: " + path + " does not fit the model: " + text);
    REQUIRE(all_bytes(model) == before);
    for (const Tensor& parameter : model->parameters()) REQUIRE(parameter._version() == version);
  };
  TensorDict good;
  good.insert("0.weight", ones({3, 4}));
  good.insert("0.bias", ones({3}));
  TensorDict tensors = good;
  tensors.insert("2.weight", ones({2, 5}));
  refused(tensors,
          "'2.weight' is [2, 5] of float32 in the file, the model needs [2, 3] of float32");
  tensors["2.weight"] = ones({2, 3}, kDouble);
  refused(tensors,
          "'2.weight' is [2, 3] of float64 in the file, the model needs [2, 3] of float32");
  refused(good, "'2.weight' is missing from the file, the model needs [2, 3] of float32");
  tensors["2.weight"] = ones({2, 3});
  tensors.insert("3.weight", ones({1}));
  refused(tensors, "'3.weight' is in the file, the model has no tensor of that name");
  tensors.clear();
  for (int i = 0; i < 20; ++i) tensors.insert("x" + std::to_string(i), ones({1}));
  save_safetensors(path, tensors);
  const std::string message = message_of([&] { load(model, path); });
  REQUIRE_THAT(message, ContainsSubstring("'0.bias' is missing") && EndsWith("; and 15 more"));

  const std::string cut = folder.write("cut", folder.read("model").substr(0, 100));
  REQUIRE_THROWS_AS(load(model, cut), Error);
  REQUIRE_THROWS_AS(load(model, folder / "missing"), Error);
  REQUIRE(all_bytes(model) == before);
}

TEST_CASE("a checkpoint is not copied into elements that share memory") {
  const ScratchFolder folder;
  nn::Sequential model = small_model(3);
  model->register_buffer("buffer", ones({2}));
  save(model, folder / "model");
  nn::Sequential other = small_model(3);
  other->register_buffer("buffer", ones({1}).expand({2}));
  const std::string before = all_bytes(other);
  CHECK(message_of([&] { load(other, folder / "model"); }) ==
        "load: " + folder / "model" +
            " does not fit the model: 'buffer' of the model has elements that share memory");
  CHECK(all_bytes(other) == before);
  CHECK_THROWS_AS(replace_file(folder / "file", {}), Error);
}
