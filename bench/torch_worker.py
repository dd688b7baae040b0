"""What PyTorch has in Python alone, behind the protocol of worker.cpp: gradcheck of tanh(linear(x))."""
import sys
import time

import torch


def function(x, weight, bias):
    return torch.tanh(torch.nn.functional.linear(x, weight, bias))


def operands():
    """Those of workloads_double.cpp."""
    torch.manual_seed(0)
    sizes = (8, 5), (4, 5), (4,)
    return [torch.rand(size, dtype=torch.double).requires_grad_() for size in sizes]


class Gradcheck:
    def __init__(self):
        self.inputs = operands()

    def window(self, calls):
        start = time.perf_counter()
        for _ in range(calls):
            torch.autograd.gradcheck(function, self.inputs)
        return time.perf_counter() - start

    @staticmethod
    def checksum():
        """Of the gradients that both sides check."""
        inputs = operands()
        function(*inputs).sum().backward()
        return sum(x.grad.abs().sum().item() for x in inputs)


def prepare(name):
    if name != "double/gradcheck":
        return None, 0
    check = Gradcheck()
    check.window(10)
    calls = 1
    while (seconds := check.window(calls)) < 1e-3:
        calls = calls * 8 if seconds < 1e-4 else int(calls * 1.2e-3 / seconds) + 1
    return check, calls


print("ready PyTorch", torch.__version__, "in Python", flush=True)
check, calls = None, 1
for line in sys.stdin:
    command, *words = line.split()
    if command == "threads":
        torch.set_num_threads(int(words[0]))
        print("ok")
    elif command == "prepare":
        try:
            check, calls = prepare(words[0])
            print(f"ok {check.checksum():.9g}" if check else "missing")
        except RuntimeError as error:
            check = None
            print("error", str(error).split("\n")[0])
    elif command == "run":
        end = time.perf_counter() + float(words[0])
        times = []
        while not times or time.perf_counter() < end:
            times.append(check.window(calls) / calls)
        print("times", *(f"{t:.6g}" for t in times))
    elif command == "quit":
        break
    else:
        print("error unknown command")
    sys.stdout.flush()
