#!/bin/sh
# Builds dump.cpp against libtorch and against an installed simdgrad, runs both and compares.
#
#   tools/compare_with_libtorch/run.sh TORCH SIMDGRAD [OPERATION]
#
# TORCH: the folder of an unpacked libtorch, or site-packages/torch of a Python installation.
# SIMDGRAD: the prefix that `cmake --install` wrote to. OPERATION: only this one.
# Works in the folder $WORK (default: a new one under /tmp) and leaves both dumps there.
set -eu
torch=$1
simdgrad=$2
operation=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
work=${WORK:-$(mktemp -d)}
mkdir -p "$work"
cxx=${CXX:-g++}

if [ ! -x "$work/dump_torch" ]; then  # takes a minute
  "$cxx" -std=c++20 -O0 -w -D_GLIBCXX_USE_CXX11_ABI=1 \
    -isystem "$torch/include" -isystem "$torch/include/torch/csrc/api/include" \
    "$here/dump.cpp" -o "$work/dump_torch" \
    -L"$torch/lib" -Wl,-rpath,"$torch/lib" -ltorch -ltorch_cpu -lc10
fi
libraries=$(dirname "$(find "$simdgrad" -name libsimdgrad.so | head -1)")
compat=$(dirname "$(dirname "$(find "$simdgrad" -path '*/torch/torch.h' | head -1)")")
"$cxx" -std=c++20 -O0 -I"$simdgrad/include" -I"$compat" "$here/dump.cpp" \
  -o "$work/dump_simdgrad" -L"$libraries" -Wl,-rpath,"$libraries" -lsimdgrad

"$work/dump_torch" ${operation:+"$operation"} > "$work/torch.txt"
"$work/dump_simdgrad" ${operation:+"$operation"} > "$work/simdgrad.txt"
echo "dumps in $work"
python3 "$here/compare.py" "$work/torch.txt" "$work/simdgrad.txt"
