// generate_calls PREPROCESSED FOLDER ROOT...: reads the declarations of the headers under the roots
// from what a compiler's -E gave, and writes into the folder calls_0.cpp ... with a call of every one
// of them, calls.h, and for the case table operations.inc. What it cannot read or call is an error, so
// that the build fails.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "tests/fuzz/calls/call_writer.h"

namespace {

constexpr size_t kFiles = 12;  // as in tests/fuzz/calls/CMakeLists.txt

std::string read(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

// A public header that simdgrad.h leaves out would be left out here too.
void check_all_seen(const std::string& preprocessed, const std::vector<std::string>& roots) {
  for (const std::string& root : roots) {
    if (root.back() != '/') continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      const std::string path = entry.path().lexically_normal().string();
      if (entry.path().extension() == ".h" && preprocessed.find(path + '"') == std::string::npos)
        throw std::runtime_error(path + " is not included by simdgrad.h");
    }
  }
}

void generate(const std::string& preprocessed, const std::string& folder,
              const std::vector<std::string>& roots) {
  using namespace fuzz;
  const std::string text = read(preprocessed);
  check_all_seen(text, roots);
  const Headers headers = parse_headers(read_tokens(text, roots));
  const CallWriter writer(headers);
  std::vector<std::string> calls(kFiles), rows(kFiles);
  std::string operations = "// Made by tests/fuzz/calls/generate_calls.cpp: header, operation.\n";
  std::set<std::string> seen;
  const size_t count = headers.functions.size();
  for (size_t i = 0; i < count; ++i) {
    const Function& function = headers.functions[i];
    if (!seen.insert(CallWriter::signature(function)).second)
      throw std::runtime_error(function.place +
                               ": declared twice: " + CallWriter::signature(function));
    const size_t file = i * kFiles / count;
    const std::string name = "call_" + std::to_string(i);
    if (const std::string operation = CallWriter::operation(function); !operation.empty())
      operations += "{\"" + function.place.substr(0, function.place.find(':')) + "\", \"" +
                    operation + "\"},\n";
    calls[file] += writer.call(function, name);
    rows[file] += writer.row(function, name);
  }
  const std::vector<std::string> factories = writer.factories();
  for (size_t i = 0; i < factories.size(); ++i)
    calls[i * kFiles / factories.size()] += factories[i];
  writer.check_tables();

  std::string header =
      "// Made by tests/fuzz/calls/generate_calls.cpp.\n#pragma once\n"
      "#include \"tests/fuzz/calls/arguments.h\"\n"
      "#include \"tests/fuzz/calls/planted.h\"\n" +
      writer.factory_declarations();
  for (size_t i = 0; i < kFiles; ++i) {
    const std::string number = std::to_string(i);
    header += "void add_calls_" + number + "(std::vector<fuzz::Signature>& all);\n";
    write(folder + "/calls_" + number + ".cpp",
          "// Made by tests/fuzz/calls/generate_calls.cpp.\n#include \"calls.h\"\n" + calls[i] +
              "void add_calls_" + number +
              "(std::vector<fuzz::Signature>& all) {\n"
              "  static const fuzz::Signature rows[] = {\n" +
              rows[i] + "  };\n  all.insert(all.end(), std::begin(rows), std::end(rows));\n}\n");
  }
  write(folder + "/operations.inc", operations);
  header +=
      "inline std::vector<fuzz::Signature> all_signatures() {\n"
      "  std::vector<fuzz::Signature> all;\n";
  for (size_t i = 0; i < kFiles; ++i) header += "  add_calls_" + std::to_string(i) + "(all);\n";
  write(folder + "/calls.h", header + "  return all;\n}\n");
  std::cout << "generate_calls: " << count << " public signatures\n";
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count < 4) throw std::runtime_error("needs PREPROCESSED FOLDER ROOT...");
    generate(arguments[1], arguments[2], {arguments + 3, arguments + count});
  } catch (const std::exception& error) {
    std::cerr << "generate_calls: " << error.what() << "\n";
    return 1;
  }
}
