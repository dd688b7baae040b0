#!/bin/bash
# arrows_test.sh [ROOT]: who may include whom. Any folder may include public headers (<simdgrad/...>)
# and core; the table says what else, or what less.
set -euo pipefail

# check ROOT: prints one line per forbidden include, returns 1 if there is any.
check() {
  cd "$1"
  { grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]' --include='*.h' --include='*.inc' --include='*.cpp' \
      include compat core autograd ops nn optim data io report examples bench 2>/dev/null || true
  } | awk '
    # Families of ops/ in the order of their arrows: each may include those with a lower number. The
    # ones of equal number do not see each other.
    BEGIN {
      count = split("loops=1 views=2 rows=3 indexing=4 sparse=5 embedding=6 pointwise=7 reductions=8 " \
                    "linear_algebra=9 losses=9 random=9", order, " ")
      for (i = 1; i <= count; ++i) { split(order[i], pair, "="); place[pair[1]] = pair[2] }
    }
    # The family of a path in ops/, or "" for kernels and the files beside them.
    function family_of(path,  part) {
      return split(path, part, "/") > 2 && part[1] == "ops" && part[2] != "kernels" ? part[2] : ""
    }
    function forbid(why) { printf "%s:%s: %s: %s\n", file, line, target, why; bad = 1 }
    {
      split($0, field, ":"); file = field[1]; line = field[2]
      match($0, /[<"][^>"]*[>"]/)
      quoted = substr($0, RSTART, 1) == "\""
      target = substr($0, RSTART + 1, RLENGTH - 2)
      folder = file; sub(/\/.*/, "", folder)
      # table.h is how ops finds the kernels; no kernel sees it. formulas.h is shared by both: its
      # formulas are templates that know no Tensor.
      if (file ~ /^ops\/kernels\// && file != "ops/kernels/table.h") folder = "kernels"
      top = target; sub(/\/.*/, "", top)
      if (target ~ /^ops\/kernels\// || target == "ops/pointwise/formulas.h") top = "kernels"
      if (folder == "kernels" && target == "ops/kernels/table.h") forbid("table.h is for callers")

      # Packages live where they are needed and nowhere else.
      if (target ~ /^xsimd\// && folder != "kernels") forbid("xsimd belongs to ops/kernels")
      if (target ~ /^(oneapi\/)?tbb\// && file != "core/parallel_tbb.cpp")
        forbid("oneTBB belongs to core/parallel_tbb.cpp")
      if (target ~ /^nlohmann\// && folder !~ /^(io|data|report)$/)
        forbid("JSON belongs to io, data and report")
      if (target == "zlib.h" && folder !~ /^(io|data)$/) forbid("zlib belongs to io and data")

      if (top == "simdgrad") {
        if (folder == "kernels" && target !~ /\.inc$/) forbid("kernels know nothing of ours")
        next
      }
      if (!quoted) next

      if (top !~ /^(core|autograd|ops|kernels|nn|optim|data|io|report|bench)$/)
        forbid("paths start at the root of the repository")
      else if (family_of(file) != "" && family_of(target) != "" && family_of(file) != family_of(target)) {
        if (!(family_of(file) in place)) forbid("this family of ops has no place in the order")
        else if (place[family_of(file)] <= place[family_of(target)])
          forbid("ops/" family_of(file) " stands below ops/" family_of(target))
      }
      else if (folder == "include" || folder == "compat") forbid("a private header in a public one")
      else if (folder == top) next
      else if (folder == "kernels") forbid("kernels know nothing of ours")
      else if (file ~ /^bench\/kernel_/) next
      else if (folder ~ /^(nn|optim|data|io|report|examples|bench)$/)
        forbid(folder " includes public headers only")
      else if (top == "core") next
      else if (folder == "ops" && top ~ /^(kernels|autograd)$/) next
      else forbid(folder " must not include " top)
    }
    END { exit bad }'
}

# Each kind of offence, planted, must be found.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
planted=0
plant() {  # plant FILE INCLUDE
  rm -rf "$folder/tree"
  mkdir -p "$folder/tree/$(dirname "$1")"
  echo "#include $2" > "$folder/tree/$1"
  if (check "$folder/tree") >/dev/null; then
    echo "arrows_test: planted offence not found: $1 includes $2"; exit 1
  fi
  planted=$((planted + 1))
}
plant include/simdgrad/a.h '"core/a.h"'
plant include/simdgrad/a.h '<xsimd/xsimd.hpp>'
plant include/simdgrad/a.h '<tbb/parallel_for.h>'
plant include/simdgrad/a.h '<nlohmann/json.hpp>'
plant core/a.cpp '"ops/a.h"'
plant core/a.cpp '<oneapi/tbb/parallel_for.h>'
plant autograd/a.cpp '"ops/a.h"'
plant autograd/a.cpp '"ops/kernels/a.h"'
plant ops/kernels/a.cpp '<simdgrad/tensor.h>'
plant ops/kernels/a.cpp '"core/a.h"'
plant ops/kernels/a.cpp '"ops/a.h"'
plant ops/kernels/a.cpp '"ops/kernels/table.h"'
plant nn/a.cpp '"core/a.h"'
plant optim/a.cpp '"ops/kernels/a.h"'
plant io/a.cpp '"autograd/a.h"'
plant examples/a.cpp '"core/a.h"'
plant core/a.cpp '"bench/a.h"'
plant ops/a.cpp '<zlib.h>'
plant ops/a.cpp '"a.h"'
plant ops/views/a.cpp '"ops/sparse/a.h"'
plant ops/loops/a.h '"ops/views/a.h"'
plant ops/losses/a.cpp '"ops/linear_algebra/a.h"'
plant ops/unknown/a.cpp '"ops/loops/a.h"'

(check "${1:-.}") || { echo "arrows_test: forbidden includes (see above)"; exit 1; }
echo "arrows_test: every include points the right way; $planted planted offences found"
