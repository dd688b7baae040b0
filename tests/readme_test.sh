#!/bin/sh
# readme_test.sh [ROOT]: every folder has a README.md of 1 to 15 lines.
cd "${1:-.}" || exit 1
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
exit $bad
