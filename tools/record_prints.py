#!/usr/bin/env python3
"""Records how torch's Python prints tensors, for tests/data/printed_tensors.txt.

    tools/record_prints.py [FILE]

One block per case, built from its own lines and nothing else:
  == NAME
  default_dtype DTYPE      only when it is not float32
  options KEY=VALUE ...    only when given: arguments of set_printoptions
  dtype DTYPE
  shape N ...              nothing after "shape" for a tensor of 0 dimensions
  values V ...             row-major; hexadecimal floats, "nan", "inf", integers
  arange START STEP        instead of values: element i is START + STEP * i, computed in double
  cycle A B C D            instead of values: element i is ((A * i) mod B - C) / D, in double
  indices N V ...          sparse only: sparse dimensions, then sparse_dim x nnz integers row-major
  dense N ...              sparse only: the shape of the values; "values" etc. describe those
  coalesce                 sparse only: coalesce() it
  permute N ...            then permute the dimensions
  slice START STEP         then take [START::STEP] of dimension 0
  requires_grad            then set requires_grad
  apply neg|add|sum|view   then -x, x + x, x.sum(), x.view(-1)
  expect N                 N lines of text follow, as print(x) writes them
"""

import math
import sys

import torch

DTYPES = {"float32": torch.float32, "float64": torch.float64, "int64": torch.int64,
          "int32": torch.int32, "int16": torch.int16, "int8": torch.int8, "uint8": torch.uint8,
          "bool": torch.bool}
NAN, INF = math.nan, math.inf


def count(shape):
    return math.prod(shape)


def numbers(case, shape):
    n = count(shape)
    if "arange" in case:
        start, step = case["arange"]
        return [start + step * i for i in range(n)]
    if "cycle" in case:
        a, b, c, d = case["cycle"]
        return [((a * i) % b - c) / d for i in range(n)]
    assert len(case["values"]) == n, case
    return case["values"]


def build(case):
    dtype = DTYPES[case["dtype"]]
    shape = case["shape"]
    if "indices" in case:
        sparse_dim, *flat = case["indices"]
        indices = torch.tensor(flat, dtype=torch.int64).reshape(sparse_dim, -1)
        dense = case["dense"]
        values = torch.tensor(numbers(case, dense), dtype=torch.float64).to(dtype).reshape(dense)
        x = torch.sparse_coo_tensor(indices, values, shape)
        if "coalesce" in case:
            x = x.coalesce()
    else:
        wide = torch.float64 if dtype.is_floating_point else torch.int64
        x = torch.tensor(numbers(case, shape), dtype=wide).to(dtype).reshape(shape)
    if "permute" in case:
        x = x.permute(case["permute"])
    if "slice" in case:
        x = x[case["slice"][0]::case["slice"][1]]
    if "requires_grad" in case:
        x.requires_grad_(True)
    apply = {"neg": lambda: -x, "add": lambda: x + x, "sum": lambda: x.sum(),
             "view": lambda: x.view(-1), None: lambda: x}
    return apply[case.get("apply")]()


def text(value):
    if value is True or value is False:
        return str(int(value))
    return value.hex() if isinstance(value, float) else str(value)


def write(out, name, case):
    torch.set_default_dtype(DTYPES[case.get("default_dtype", "float32")])
    torch.set_printoptions(profile="default", sci_mode=None)
    if "options" in case:
        torch.set_printoptions(**case["options"])
    lines = str(build(case)).split("\n")
    torch.set_printoptions(profile="default", sci_mode=None)
    torch.set_default_dtype(torch.float32)
    print("==", name, file=out)
    for key in ["default_dtype", "options", "dtype", "shape", "indices", "dense", "values",
                "arange", "cycle", "coalesce", "permute", "slice", "requires_grad", "apply"]:
        if key not in case:
            continue
        value = case[key]
        if isinstance(value, dict):
            fields = [f"{k}={v}" for k, v in value.items()]
        elif isinstance(value, bool):
            fields = []
        elif isinstance(value, (list, tuple)):
            fields = [text(v) for v in value]
        else:
            fields = [str(value)]
        print(key, *fields, file=out)
    print("expect", len(lines), file=out)
    print("\n".join(lines), file=out)


CASES = []


def case(name, dtype, shape, **rest):
    CASES.append((name, dict(dtype=dtype, shape=shape, **rest)))


def dtypes_and_ranks():
    for dtype in DTYPES:
        values = [0, 1, 1, 0, 1, 0] if dtype == "bool" else [0, 1, 2, 30, 4, 105]
        if dtype.startswith("float"):
            values = [0.0, 1.5, -2.25, 30.125, 4.0, 1.0 / 3]
        case(f"{dtype} matrix", dtype, [2, 3], values=values)
        case(f"{dtype} scalar", dtype, [], values=values[1:2])
        case(f"{dtype} empty", dtype, [0], values=[])
    for dtype in ["int64", "int32", "int16", "int8"]:
        case(f"{dtype} negative", dtype, [2, 2], values=[-1, 20, -100, 3])
    case("int64 extremes", "int64", [2], values=[-(1 << 63), (1 << 63) - 1])
    case("int64 zero and scalar negative", "int64", [], values=[-7])
    for rank in range(1, 6):
        case(f"float32 rank {rank}", "float32", [2] * rank, cycle=[7, 11, 5, 4])
        case(f"int64 rank {rank}", "int64", [2] * rank, arange=[-3, 2])
    case("ones in the middle", "float32", [1, 3, 1], cycle=[7, 11, 5, 4])
    for shape in [[0, 3], [2, 0], [2, 0, 3], [0, 0]]:
        case(f"float32 zero-size {shape}", "float32", shape, values=[])
    case("int64 zero-size", "int64", [2, 0], values=[])
    case("float64 zero-size requires_grad", "float64", [0, 3], values=[], requires_grad=True)
    case("bool matrix row", "bool", [1, 2], values=[1, 0])


def floats():
    def vector(name, values, dtype="float32", **rest):
        case(name, dtype, [len(values)], values=[float(v) for v in values], **rest)

    vector("integers as floats", [1, 2, 300])
    vector("integers as floats, negative", [-1, 2, 0])
    vector("minus zero", [-0.0, 0.0, 1.5])
    vector("nan", [NAN])
    vector("inf", [INF, -INF])
    vector("nan among integers", [1, NAN, -3])
    vector("nan and inf among fractions", [1.5, NAN, INF, -INF, 100.25])
    vector("inf among large", [1e10, INF, 1.0])
    vector("only nan and zero", [NAN, 0.0])
    vector("ratio at 1000", [1.5, 1500.0])
    vector("ratio above 1000", [1.5, 1500.5, 2000.0])
    vector("above 1e8", [1.5, 2.5e8])
    vector("at 1e8", [1.5, 1e8], dtype="float64")
    vector("integers above 1e8", [1.0, 2e8])
    vector("integers ratio above 1000", [1.0, 5000.0])
    vector("integers at 1e9", [3e9, 2e9])
    vector("below 1e-4", [0.00005, 0.0001])
    vector("at 1e-4", [0.0001, 0.0002], dtype="float64")
    vector("tiny and zero", [0.0, 1e-5])
    vector("denormal", [5e-41, 1e-40])
    vector("huge", [3e38, -1e38])
    vector("double range", [1e-300, 1e300], dtype="float64")
    vector("three-digit exponent", [1.5e-300], dtype="float64")
    vector("rounding up to a new digit", [9.99996, 0.5])
    vector("half to even", [0.00005, 0.12345, 0.12355, 2.5], dtype="float64")
    vector("float32 as it is", [0.1, 0.2, 0.3])
    vector("column width from the negative", [-10.5, 3.25])
    vector("mixed widths", [1234.5, 2.0, 3.0])
    for value in [0.5, -3.0, 1e-5, 1e9, 123456.789, NAN, -INF, 16777216.0, 1e8, 2.5e8]:
        case(f"scalar {value}", "float32", [], values=[value])
    case("scalar double third", "float64", [], values=[1 / 3])
    case("sci matrix", "float32", [2, 3], values=[1e-5, 1.0, -2e5, 0.0, 3.5, NAN])


def layout():
    case("wrap at 80", "float32", [30], cycle=[7, 31, 10, 8])
    case("wrap matrix", "float32", [2, 20], cycle=[7, 31, 10, 8])
    case("wrap integers", "int64", [50], arange=[0, 1])
    case("wrap large integers", "int64", [3, 12], arange=[-1000000, 99999])
    case("wrap bool", "bool", [40], arange=[0, 1])
    case("wrap sci", "float64", [20], values=[1.5 * 10.0 ** k for k in range(-10, 10)])
    case("exactly one line", "int64", [24], arange=[10, 1])
    case("one more than a line", "int64", [25], arange=[10, 1])
    case("wrap deep", "float32", [2, 2, 12], cycle=[7, 31, 10, 8])
    case("1000 elements", "int64", [1000], arange=[0, 1])
    case("1001 elements", "int64", [1001], arange=[0, 1])
    case("1001 floats", "float32", [1001], arange=[0.5, 0.5])
    case("summarised matrix", "float32", [40, 30], cycle=[7, 31, 10, 8])
    case("summarised wide matrix", "float32", [2, 600], cycle=[7, 31, 10, 8])
    case("summarised tall matrix", "int64", [600, 2], arange=[-5, 3])
    case("summarised cube", "float32", [10, 11, 12], cycle=[7, 31, 10, 8])
    case("summarised small sides", "float32", [7, 6, 30], cycle=[7, 31, 10, 8])
    case("summarised 4-D", "int32", [2, 8, 9, 10], arange=[0, 1])
    case("summarised bool", "bool", [2000], arange=[0, 1])
    case("summarised, outlier hidden", "float32", [2000], arange=[-1000.0, 1.0])
    case("summarised sci", "float64", [2000], arange=[0.25, 1000.5])
    case("summarised requires_grad", "float32", [40, 30], cycle=[7, 31, 10, 8], requires_grad=True)
    case("summarised double", "float64", [40, 128], cycle=[7, 31, 10, 8], apply="neg",
         requires_grad=True)
    case("transposed", "float32", [2, 3], cycle=[7, 31, 10, 8], permute=[1, 0])
    case("permuted", "int64", [2, 3, 4], arange=[0, 1], permute=[2, 0, 1])
    case("every other row", "float32", [6, 3], cycle=[7, 31, 10, 8], slice=[1, 2])
    case("summarised transposed", "int64", [60, 40], arange=[0, 1], permute=[1, 0])


def suffixes():
    case("requires_grad", "float32", [3], values=[1.0, 2.0, 3.0], requires_grad=True)
    case("requires_grad scalar", "float32", [], values=[1.0], requires_grad=True)
    case("requires_grad double", "float64", [2], values=[1.0, 2.5], requires_grad=True)
    case("requires_grad empty", "float32", [0], values=[], requires_grad=True)
    case("grad_fn neg", "float32", [2, 2], values=[1.0, 2.0, 3.0, 4.5], requires_grad=True,
         apply="neg")
    case("grad_fn add", "float64", [2], values=[1.0, 2.0], requires_grad=True, apply="add")
    case("grad_fn sum", "float32", [2, 3], cycle=[7, 31, 10, 8], requires_grad=True, apply="sum")
    case("grad_fn view", "float32", [2, 3], cycle=[7, 31, 10, 8], requires_grad=True, apply="view")
    # A suffix that does not fit on the last line goes to a line of its own: 80 columns.
    for n in range(5, 9):
        case(f"suffix after {n}", "float32", [n], cycle=[7, 31, 10, 8], requires_grad=True,
             apply="neg")
        case(f"suffix of a matrix after {n}", "float32", [2, n], cycle=[7, 31, 10, 8],
             requires_grad=True, apply="view")
    for n in range(18, 23):
        case(f"dtype suffix after {n}", "int32", [n], arange=[10, 1])
    case("dtype suffix, int16 column", "int16", [3, 1], arange=[5, -5])
    case("default float64, float64", "float64", [2], values=[1.5, 2.0], default_dtype="float64")
    case("default float64, float32", "float32", [2], values=[1.5, 2.0], default_dtype="float64")
    case("default float64, int64", "int64", [2], values=[1, 2], default_dtype="float64")
    case("default float64, empty", "float32", [0], values=[], default_dtype="float64")


def options():
    values = dict(values=[1 / 3, 2 / 3, -12.5, 1e-3])
    for precision in [0, 1, 2, 8, 10]:
        case(f"precision {precision}", "float64", [4], options=dict(precision=precision), **values)
    case("precision 2 integers", "float32", [2], values=[1.0, 2.0], options=dict(precision=2))
    case("sci_mode on", "float32", [4], options=dict(sci_mode=True), **values)
    case("sci_mode on integers", "float32", [3], values=[1.0, 20.0, 300.0],
         options=dict(sci_mode=True))
    case("sci_mode on, int64", "int64", [3], values=[1, 20, 300], options=dict(sci_mode=True))
    case("sci_mode off", "float32", [3], values=[1e-5, 1.0, 1e6], options=dict(sci_mode=False))
    case("sci_mode off integers", "float32", [3], values=[1.0, 1e6, 1e9],
         options=dict(sci_mode=False))
    case("sci precision 2", "float64", [3], values=[1e-5, 1.0, 1e6], options=dict(precision=2))
    case("threshold 5", "int64", [6], arange=[0, 1], options=dict(threshold=5))
    case("threshold 5, edgeitems 1", "int64", [4, 5], arange=[0, 1],
         options=dict(threshold=5, edgeitems=1))
    case("edgeitems 2", "float32", [40, 30], cycle=[7, 31, 10, 8], options=dict(edgeitems=2))
    case("threshold 5, edgeitems too wide", "int64", [6], arange=[0, 1],
         options=dict(threshold=5, edgeitems=3))
    case("linewidth 40", "float32", [20], cycle=[7, 31, 10, 8], options=dict(linewidth=40))
    case("linewidth 120", "float32", [30], cycle=[7, 31, 10, 8], requires_grad=True,
         options=dict(linewidth=120))
    case("linewidth 20 suffix", "float32", [2], values=[1.0, 2.5], requires_grad=True,
         options=dict(linewidth=20))
    case("linewidth 5", "float32", [3], values=[1.0, 2.5, 3.5], options=dict(linewidth=5))
    case("profile full", "int64", [1100], arange=[0, 1], options=dict(profile="full"))
    case("profile short", "float32", [40, 30], cycle=[7, 31, 10, 8],
         options=dict(profile="short"))
    case("profile short, precision 3", "float64", [3], values=[1 / 3, 2.0, 3.0],
         options=dict(profile="short", precision=3))


def sparse():
    coo = dict(indices=[1, 0, 4], dense=[2, 3], cycle=[7, 31, 10, 8])
    case("sparse rows uncoalesced", "float32", [5, 3], **coo)
    case("sparse rows coalesced", "float32", [5, 3], coalesce=True, **coo)
    case("sparse repeated", "float32", [5, 3], indices=[1, 4, 0, 4], dense=[3, 3],
         cycle=[7, 31, 10, 8])
    case("sparse repeated coalesced", "float32", [5, 3], indices=[1, 4, 0, 4], dense=[3, 3],
         cycle=[7, 31, 10, 8], coalesce=True)
    case("sparse empty", "float32", [5, 3], indices=[1], dense=[0, 3], values=[])
    case("sparse empty coalesced", "float32", [5, 3], indices=[1], dense=[0, 3], values=[],
         coalesce=True)
    case("sparse requires_grad", "float32", [5, 3], requires_grad=True, **coo)
    case("sparse double", "float64", [5, 3], **coo)
    case("sparse int64", "int64", [5], indices=[1, 0, 4], dense=[2], values=[3, -4])
    case("sparse scalars", "float32", [2, 3], indices=[2, 0, 1, 1, 2, 0, 2], dense=[3],
         values=[3.0, 4.0, 5.0])
    case("sparse large", "float32", [10000, 128], indices=[1, 3, 9999, 3], dense=[3, 128],
         cycle=[7, 31, 10, 8])
    case("sparse many rows", "float32", [5000, 2],
         indices=[1] + [(7 * i) % 5000 for i in range(1200)], dense=[1200, 2], cycle=[7, 31, 10, 8])
    case("sparse grad_fn", "float32", [5, 3], requires_grad=True, apply="neg", **coo)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "tests/data/printed_tensors.txt"
    for family in [dtypes_and_ranks, floats, layout, suffixes, options, sparse]:
        family()
    names = [name for name, _ in CASES]
    assert len(names) == len(set(names))
    with open(path, "w") as out:
        print(f"# made by tools/record_prints.py with torch {torch.__version__}", file=out)
        for name, description in CASES:
            write(out, name, description)
    print(len(CASES), "cases")


if __name__ == "__main__":
    main()
