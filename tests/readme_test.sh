#!/bin/sh
# readme_test.sh ROOT COMPILER: every folder that holds sources has a README.md of 1 to 25 lines; every
# source begins with a sentence on what it is; the C++ of README.md and docs/ compiles, whole programs
# as they stand and the rest as the body of main.
set -u
cd "$1" || exit 1
compiler=$2
bad=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
roots="core autograd ops nn optim data io report compat examples tests bench tools cmake docs \
  findings include/simdgrad"

# sources FOLDER...: those below the folders that are there, one a line.
sources() {
  find "$@" -type f \( -name '*.cpp' -o -name '*.h' -o -name '*.inc' -o -name '*.sh' -o -name '*.cmake' \) \
    2>/dev/null | sort
}

# check_folders FOLDER...: prints the folders that lack a README.md, or have a long one. Those of compat/
# are libtorch's paths, and its own text serves them all.
check_folders() {
  {
    for folder; do [ -d "$folder" ] && echo "$folder"; done
    sources "$@" | sed 's|/[^/]*$||' | grep -v '^compat/'
  } | sort -u | while read -r folder; do
    if [ ! -s "$folder/README.md" ]; then
      echo "$folder: no README.md"
    elif [ "$(wc -l < "$folder/README.md")" -gt 25 ]; then
      echo "$folder/README.md: more than 25 lines"
    fi
  done
}

# check_heads FOLDER...: prints the sources that do not begin, after "#!", with a comment that ends a
# sentence.
check_heads() {
  sources "$@" | xargs awk '
    FNR == 1 { judge(); file = FILENAME; head = ""; open = 1; if (/^#!/) next }
    !open { next }
    /^(\/\/|#)( |$)/ { head = head " " $0; next }
    { open = 0 }
    END { judge() }
    function judge() {
      if (file != "" && head !~ /[a-zA-Z0-9)_][.:]( |$)/) print file ": begins with no sentence on what it is"
    }'
}

# What is planted must be found.
mkdir -p "$work/core/bare" "$work/core/long"
echo '#include <a.h>' > "$work/core/bare/a.cpp"
printf '#pragma once\n// What a is.\n' > "$work/core/bare/a.h"
printf '#!/bin/sh\nset -e\n' > "$work/core/bare/a.sh"
echo '// exp' > "$work/core/long/a.inc"
seq 26 > "$work/core/long/README.md"
found=$(cd "$work" && { check_folders core; check_heads core; } | wc -l)
if [ "$found" -ne 7 ]; then
  echo "readme_test: of 7 planted faults $found were found"; bad=1
fi

# shellcheck disable=SC2086  # a list of names without spaces
faults=$(check_folders $roots; check_heads $roots)
if [ -n "$faults" ]; then
  echo "$faults"; bad=1
fi

for text in README.md docs/*.md; do
  rm -rf "${work:?}"/*
  awk -v work="$work" '/^```cpp$/ { file = work "/" ++n; next } /^```$/ { file = "" } file { print > file }' \
    "$text"
  for block in "$work"/*; do
    [ -e "$block" ] || continue
    {
      if grep -q '^int main' "$block"; then
        cat "$block"
      else
        printf '#include <simdgrad/simdgrad.h>\n#include <iostream>\nusing namespace simdgrad;\n'
        printf 'int main() {\n'; cat "$block"; printf '}\n'
      fi
    } > "$block.cpp"
    if ! "$compiler" -std=c++20 -fsyntax-only -Iinclude "$block.cpp"; then
      echo "$text: C++ block ${block##*/} does not compile"; bad=1
    fi
  done
done
exit $bad
