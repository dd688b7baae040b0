"""What PyTorch has in Python alone, behind the protocol of worker.cpp: gradcheck of tanh(linear(x))."""
import time

import torch

from python_worker import serve


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
        return None
    check = Gradcheck()
    check.window(10)
    return check.window, f"{check.checksum():.9g}"


serve(f"PyTorch {torch.__version__} in Python", prepare, torch.set_num_threads)
