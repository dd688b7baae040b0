#!/bin/sh
# run_isa.sh ISA PROGRAM [ARGS]: runs PROGRAM with this instruction set forced; exits 77, which CTest
# counts as skipped, where the CPU lacks it.
isa=$1
shift
case $isa in
  sse2) needs=sse2 ;;
  avx2) needs="avx2 fma" ;;
  avx512) needs="avx512f avx512bw avx512dq avx512vl avx512cd" ;;
  neon) needs= ;;  # every 64-bit ARM has it
  *) echo "run_isa.sh: unknown instruction set '$isa'" >&2; exit 2 ;;
esac
for flag in $needs; do
  if ! grep -m1 -E '^(flags|Features)' /proc/cpuinfo | grep -qw "$flag"; then
    echo "skipped: this CPU has no $flag"
    exit 77
  fi
done
SIMDGRAD_ISA=$isa exec "$@"
