#!/usr/bin/env python3
"""Records torch's CPU random streams for tests/generator_engine_test.cpp.

    tools/record_random.py [FILE]      default: tests/data/random_streams.txt

One line per case: kind dtype seed n first second next hash values...
  first, second  the kind's parameters (bounds, mean and std, p), "-" for none
  next           the draw after the fill, modulo 2^27: shows how many draws the fill took
  hash           FNV-1a 64 of the array's bytes
  values         bits of the elements in hexadecimal: all when n <= 17, else the first and last 18
Uniform bits depend on whether the compiler fused the multiply and add; the library rounds each on
its own, as torch's baseline build does, so the recording runs with ATEN_CPU_CAPABILITY=default.
Normals in float come from the vector loop that torch runs on AVX2 and AVX-512 (its baseline loop
rounds the angle differently, by up to 2.3e-6 in the result): a second process records those.
"""

import os
import subprocess
import sys

VECTOR = "--vector" in sys.argv  # record float normals only
os.environ["ATEN_CPU_CAPABILITY"] = "avx2" if VECTOR else "default"
import torch  # noqa: E402

SIZES = [1, 2, 15, 16, 17, 100, 1000]
BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
NAMES = {torch.float32: "f32", torch.float64: "f64", torch.int64: "i64", torch.int32: "i32",
         torch.int16: "i16", torch.int8: "i8", torch.uint8: "u8", torch.bool: "bool"}


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def bits(tensor):
    width = tensor.element_size()
    mask = (1 << 8 * width) - 1
    return [format(v & mask, "x") for v in tensor.view(BITS[width]).tolist()]


def line(out, kind, dtype, seed, n, parameters, fill):
    torch.manual_seed(seed)
    tensor = fill(torch.empty(n, dtype=dtype))
    following = torch.randint(0, 1 << 27, (1,)).item()
    values = bits(tensor)
    if n > 17:
        values = values[:18] + values[-18:]
    parameters = [p.hex() if isinstance(p, float) else str(p) for p in parameters]
    parameters += ["-"] * (2 - len(parameters))
    print(kind, NAMES[dtype], seed, n, *parameters, following,
          format(fnv(tensor.numpy().tobytes()), "x"), *values, file=out)


def record_normals(out, dtype):
    for n in SIZES:
        for mean, std in [(0.0, 1.0), (-2.5, 0.3)]:
            line(out, "normal", dtype, 7 + n, n, [mean, std], lambda t: t.normal_(mean, std))


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "tests/data/random_streams.txt"
    if VECTOR:
        record_normals(sys.stdout, torch.float32)
        return
    with open(path, "w") as out:
        print(f"# made by tools/record_random.py with torch {torch.__version__}", file=out)
        floats = [torch.float32, torch.float64]
        record_normals(out, torch.float64)
        out.write(subprocess.run([sys.executable, __file__, "--vector"], check=True,
                                 capture_output=True, text=True).stdout)
        for n in SIZES:
            for dtype in floats:
                for low, high in [(0.0, 1.0), (-0.01, 0.01), (-3.0, 5.5)]:
                    line(out, "uniform", dtype, 24 + n, n, [low, high],
                         lambda t: t.uniform_(low, high))
                for p in [0.0, 0.1, 0.5, 1.0]:
                    line(out, "bernoulli", dtype, 3 + n, n, [p], lambda t: t.bernoulli_(p))
            for p in [0.25, 0.8]:
                for dtype in floats:
                    line(out, f"bernoulli_{NAMES[dtype]}", torch.float32, n, n, [p],
                         lambda t: torch.bernoulli(torch.full((n,), p, dtype=dtype)).float())
            for low, high in [(0, 10000), (-7, 5), (0, (1 << 28) - 1), (0, 1 << 28),
                              (0, (1 << 32) - 1), (-(1 << 40), 1 << 41), (0, (1 << 63) - 1)]:
                line(out, "integers", torch.int64, 11 + n, n, [low, high],
                     lambda t: t.random_(low, high))
            line(out, "integers", torch.int64, 12, n, [-(1 << 63), "none"],
                 lambda t: t.random_(-(1 << 63), None))
            for dtype in [torch.float32, torch.float64, torch.int32, torch.int16, torch.int8]:
                line(out, "integers", dtype, 13 + n, n, [-100, 101], lambda t: t.random_(-100, 101))
            line(out, "integers", torch.uint8, 13 + n, n, [3, 200], lambda t: t.random_(3, 200))
            for dtype in NAMES:
                line(out, "full_range", dtype, 17 + n, n, [], lambda t: t.random_())
            line(out, "permutation", torch.int64, 19 + n, n, [], lambda t: torch.randperm(n))
        for seed in [0, 1, 0xFFFFFFFF, (1 << 32) + 7, 67280421310721, (1 << 64) - 5]:
            line(out, "uniform", torch.float32, seed, 2, [0.0, 1.0], lambda t: t.uniform_())
        line(out, "permutation", torch.int64, 5, 100000, [], lambda t: torch.randperm(100000))

        # state SEED DRAWS NORMALS HASH: get_rng_state() after the seed, DRAWS 32-bit draws and
        # NORMALS samples of normal_ one at a time.
        for seed, draws, normals in [(24, 0, 0), (24, 1, 0), (24, 623, 0), (24, 624, 0),
                                     (24, 625, 0), ((1 << 40) + 3, 1000, 1), (9, 0, 2), (9, 5, 3)]:
            torch.manual_seed(seed)
            torch.empty(draws).uniform_()
            for _ in range(normals):
                torch.empty(1).normal_()
            state = torch.get_rng_state()
            print("state", seed, draws, normals, format(fnv(state.numpy().tobytes()), "x"),
                  file=out)


if __name__ == "__main__":
    main()
