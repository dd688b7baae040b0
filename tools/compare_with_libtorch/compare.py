#!/usr/bin/env python3
"""Compares two dumps of dump.cpp with the tolerances of torch.testing.assert_close.

    compare.py LIBTORCH_DUMP SIMDGRAD_DUMP

Tolerances (rtol, atol): float32 (1.3e-6, 1e-5), float64 (1e-7, 1e-7), integers and bools exact; NaN
equals NaN. Prints what differs, then one line of totals; exits 1 when anything does.
"""

import math
import sys

TOLERANCES = {"f32": (1.3e-6, 1e-5), "f64": (1e-7, 1e-7)}


def read(path):
    rows = {}
    with open(path) as file:
        for line in file:
            fields = line.split()
            if fields[2] == "error":
                rows[tuple(fields[:2]) + ("error",)] = " ".join(fields[3:])
            else:
                rows[tuple(fields[:3])] = fields[3:]
    return rows


def number(text):
    return float.fromhex(text) if "x" in text or "n" in text else int(text)


def difference(expected, actual):
    """None, or what differs; and the largest share of the tolerance that was used."""
    if isinstance(expected, str) or isinstance(actual, str):
        return (None if expected == actual else f"error: {expected} / {actual}"), 0.0
    if expected[:2] != actual[:2]:
        return f"{' '.join(expected[:2])} expected, got {' '.join(actual[:2])}", 0.0
    if expected[0] == "undefined":
        return None, 0.0
    rtol, atol = TOLERANCES.get(expected[0].split("_")[-1], (0.0, 0.0))
    if len(expected) != len(actual):
        return "another number of values", 0.0
    worst = 0.0
    for place, (e, a) in enumerate(zip(map(number, expected[2:]), map(number, actual[2:]))):
        if e == a or (math.isnan(e) and math.isnan(a)):
            continue
        allowed = atol + rtol * abs(e)
        used = abs(a - e) / allowed if allowed and math.isfinite(a - e) else math.inf
        worst = max(worst, used)
        if not used <= 1.0:
            return f"value {place}: expected {e!r}, got {a!r}", worst
    return None, worst


def main():
    expected, actual = read(sys.argv[1]), read(sys.argv[2])
    wrong, worst = [], (0.0, "")
    for key in sorted(expected.keys() | actual.keys()):
        if key not in actual or key not in expected:
            wrong.append((key, "only in the " + ("first" if key in expected else "second")))
            continue
        text, used = difference(expected[key], actual[key])
        if text:
            wrong.append((key, text))
        elif used > worst[0]:
            worst = (used, " ".join(key))
    for key, text in wrong:
        print(*key, text)
    ops = {key[0] for key in expected}
    bad = {key[0] for key, _ in wrong}
    print(f"{len(ops)} operations, {len(expected)} tensors, {len(wrong)} differ in {len(bad)} "
          f"operations; largest passing difference {worst[0]:.2f} of the tolerance ({worst[1]})")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
