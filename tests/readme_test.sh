#!/bin/sh
# readme_test.sh ROOT COMPILER: every folder has a README.md of 1 to 15 lines; the C++ of README.md and
# docs/ compiles, whole programs as they stand and the rest as the body of main.
set -u
cd "$1" || exit 1
compiler=$2
bad=0
for folder in core autograd ops ops/kernels nn optim data io report compat examples tests bench \
              tools cmake docs include/simdgrad; do
  [ -d "$folder" ] || continue
  if [ ! -s "$folder/README.md" ]; then
    echo "$folder: no README.md"; bad=1
  elif [ "$(wc -l < "$folder/README.md")" -gt 15 ]; then
    echo "$folder/README.md: more than 15 lines"; bad=1
  fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for text in README.md docs/*.md; do
  rm -f "$work"/*
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
