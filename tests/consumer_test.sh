#!/bin/bash
# consumer_test.sh CMAKE BUILD_DIR CXX GENERATOR MAKE_PROGRAM: installs the build into a scratch
# prefix, moves it, and builds tests/consumer from there, through find_package and through pkg-config.
set -euo pipefail
cmake=$1 build=$2 cxx=$3 generator=$4 make=$5
here=$(cd "$(dirname "$0")/consumer" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$cmake" --install "$build" --prefix "$folder/first" >/dev/null
mv "$folder/first" "$folder/moved"  # no absolute path may be baked in
prefix=$folder/moved
if grep -rlF "$folder/first" "$prefix" ||
   grep -rlF "$build" "$prefix" --include='*.cmake' --include='*.pc'; then
  echo "consumer_test: these installed files name the place they were built or installed in"; exit 1
fi

"$cmake" -S "$here" -B "$folder/build" -G "$generator" -DCMAKE_MAKE_PROGRAM="$make" \
  -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_BUILD_TYPE=Release >/dev/null
"$cmake" --build "$folder/build"
"$folder/build/consumer"
"$folder/build/compat_consumer"

if ! command -v pkg-config >/dev/null; then
  echo "consumer_test: find_package works; pkg-config is not here, its half was not run"
  exit 0
fi
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name simdgrad.pc)")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046
"$cxx" -std=c++20 "$here/consumer.cpp" -o "$folder/by_hand" $(pkg-config --cflags --libs simdgrad)
LD_LIBRARY_PATH=$(pkg-config --variable=libdir simdgrad) "$folder/by_hand"
echo "consumer_test: find_package and pkg-config both work from a moved install tree"
