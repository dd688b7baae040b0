#!/usr/bin/env bash
# check_instructions.sh WORKER [--record]: instructions that calls with nearly nothing to compute take,
# counted by callgrind and compared with those in instructions.tsv, of the same compiler. Fails if one
# has risen by more than 2 %. --record writes what was counted in place of what stands there.
#
# Each workload runs N and 2 N times in processes of their own: the difference is the calls alone. One
# thread; the AVX2 kernels, since valgrind knows no wider ones.
set -euo pipefail
worker=$1
record=${2:-}
recorded=$(dirname "$0")/instructions.tsv
limit=1.02
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export SIMDGRAD_ISA=avx2
if [ -n "$record" ] && [ "$record" != --record ]; then
  echo "usage: $0 WORKER [--record]" >&2
  exit 2
fi

# Workload, N, how many items (nodes of a chain) a call is.
workloads='
overhead/multiply_forward 1000 1
overhead/chain100_backward 20 100
overhead/linear4-8_forward 500 1
overhead/linear4-8_all 200 1
mlp/16-16-4/b32/sgd 100 1
'

# count WORKLOAD CALLS: instructions of a whole process.
count() {
  printf 'threads 1\noperands %s\ncalls 10\ncalls %s\n' "$1" "$2" |
    valgrind --tool=callgrind --callgrind-out-file="$folder/out" "$worker" \
      >"$folder/answers" 2>"$folder/log" || { cat "$folder/log" >&2; exit 1; }
  if [ "$(tail -n 3 "$folder/answers" | tr '\n' ' ')" != "ok ok ok " ]; then
    echo "check_instructions: $1: $(tail -n 1 "$folder/answers")" >&2
    exit 1
  fi
  sed -n 's/^\(summary\|totals\): \([0-9]*\).*/\2/p' "$folder/out" | head -n 1
}

compiler=$(printf 'compiler\n' | "$worker" | tail -n 1)
failed=0 known=0
printf '%-30s %12s %12s  %s\n' "instructions, $compiler" counted recorded ''
while read -r workload calls items; do
  [ -n "$workload" ] || continue
  once=$(count "$workload" "$calls")
  twice=$(count "$workload" $((2 * calls)))
  counted=$(((twice - once) / (calls * items)))
  before=$(awk -F '\t' -v c="$compiler" -v w="$workload" '$1 == c && $2 == w { print $3 }' "$recorded")
  verdict=
  if [ -n "$before" ]; then
    known=$((known + 1))
    verdict=$(awk -v a="$counted" -v b="$before" -v l="$limit" \
      'BEGIN { printf "%+.1f %% %s", 100 * (a / b - 1), (a > l * b) ? "RISEN" : "" }')
    case $verdict in *RISEN) failed=1 ;; esac
  fi
  printf '%-30s %12s %12s  %s\n' "$workload" "$counted" "${before:--}" "$verdict"
  printf '%s\t%s\t%s\n' "$compiler" "$workload" "$counted" >>"$folder/counted"
done <<<"$workloads"

if [ -n "$record" ]; then
  { grep -v "^$compiler	" "$recorded" || true; cat "$folder/counted"; } >"$folder/all"
  { grep '^#' "$folder/all"; grep -v '^#' "$folder/all" | sort; } >"$recorded"
  echo "recorded in $recorded"
elif [ "$known" = 0 ]; then
  echo "check_instructions: nothing is recorded for $compiler; --record writes it" >&2
  exit 2
elif [ "$failed" = 1 ]; then
  echo "check_instructions: a count has risen by more than 2 %" >&2
  exit 1
fi
