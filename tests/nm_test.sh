#!/bin/bash
# nm_test.sh CXX GROUP OBJECT... [-- GROUP OBJECT...]...
# Fails on weak symbols that could carry one instruction set's code to callers of another: the linker
# keeps one copy of a weak function, whichever comes first. Groups are instruction sets, and `library`
# for everything compiled at the baseline.
#  1. No weak symbol may be defined in two groups.
#  2. avx2 and avx512 may define no weak symbol that a user's program could define too: only names
#     inside kernels::<isa> or templates of xsimd, which carry the instruction set in their names.
set -euo pipefail
cxx=$1
shift

check() {  # check GROUP OBJECT... [-- GROUP OBJECT...]...: prints offenders, returns 1 if any
  local group='' object
  for object; do
    if [ "$object" = -- ]; then group=''; continue; fi
    if [ -z "$group" ]; then group=$object; continue; fi
    nm --defined-only "$object" | awk -v g="$group" '$2 ~ /^[WVu]$/ { print $3, g }'
  done | { grep -vE '^(DW\.ref\.|__clang_call_terminate )' || true; } | sort -u | awk '
    {
      if ($1 == last) { groups = groups " " $2; shared = 1 }
      else { flush(); last = $1; groups = $2; shared = 0 }
      if ($2 ~ /^avx/ && $1 !~ "kernels[0-9]+" $2 && $1 !~ /5xsimd/) leak = 1
    }
    function flush() {
      if (shared) { print "shared between " groups ": " last; bad = 1 }
      else if (leak) { print "weak in " groups ": " last; bad = 1 }
      leak = 0
    }
    END { flush(); exit bad }' | c++filt
}

# The check must find a planted offender before its silence counts.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/planted.cpp" <<'END'
template <class T> __attribute__((noinline)) T planted(T x) { return x * x + 1; }
float use(float x) { return planted(x); }
END
for isa in sse2 avx2; do
  "$cxx" -O1 -m$isa -Duse=use_$isa -c "$folder/planted.cpp" -o "$folder/$isa.o"
done
if check sse2 "$folder/sse2.o" -- avx2 "$folder/avx2.o" >/dev/null; then
  echo "nm_test: the planted shared symbol was not found"; exit 1
fi
if check avx2 "$folder/avx2.o" >/dev/null; then
  echo "nm_test: the planted weak symbol was not found"; exit 1
fi

if ! check "$@"; then
  echo "nm_test: weak symbols cross instruction sets (see above)"; exit 1
fi
echo "nm_test: no weak symbol crosses instruction sets"
