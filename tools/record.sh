#!/bin/sh
# Builds the recorders against libtorch and writes what they answer to tests/data/.
#
#   tools/record.sh TORCH [RECORDER ...]
#
# TORCH: the folder of an unpacked libtorch, or site-packages/torch of a Python installation.
# RECORDER: errors, grad_fn, modules, optim or training; all unless given. (record_random.py and
# record_prints.py ask Python's torch and are run on their own.)
set -eu
torch=$1
shift
[ $# -gt 0 ] || set -- errors grad_fn modules optim training
here=$(cd "$(dirname "$0")" && pwd)
data=$here/../tests/data
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name; do
  source=$here/record_$name.cpp
  case $name in
    errors) file=error_texts.tsv ;;
    grad_fn) file=grad_fn_names.tsv ;;
    modules) file=module_values.txt ;;
    optim) file=optim_steps.tsv ;;
    training) file=training_losses.txt source=$here/../tests/compat/training.cpp ;;
    *) echo "record.sh: no recorder named $name" >&2; exit 2 ;;
  esac
  "${CXX:-g++}" -std=c++20 -O0 -w -D_GLIBCXX_USE_CXX11_ABI=1 \
    -isystem "$torch/include" -isystem "$torch/include/torch/csrc/api/include" \
    "$source" -o "$work/record" -L"$torch/lib" -Wl,-rpath,"$torch/lib" -ltorch -ltorch_cpu -lc10
  # One rounding per operation, and no warnings among the data.
  ATEN_CPU_CAPABILITY=default "$work/record" > "$work/out" 2> "$work/warnings"
  [ "$name" != training ] || sed -i '1i # made by tests/compat/training.cpp with libtorch' "$work/out"
  cp "$work/out" "$data/$file"
  echo "$file"
done
