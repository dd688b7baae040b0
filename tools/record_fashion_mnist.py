#!/usr/bin/env python3
"""Records the first ten losses of the Fashion-MNIST classifier for seeds 0 to 4.

Needs torch 2.13, numpy and Debian's dataset-fashion-mnist; writes tests/data/fashion_mnist_losses.txt:
    python tools/record_fashion_mnist.py > tests/data/fashion_mnist_losses.txt
The classifier is that of examples/fashion_mnist.cpp: 784-128-10, ReLU, Adam 1e-3, batches of 64,
pixels / 255, the order of the images drawn right after the first values of the layers.
"""
import gzip
import os
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def idx(folder, name):
    raw = gzip.open(os.path.join(folder, name)).read()
    dims = np.frombuffer(raw, ">i4", raw[3], 4)
    return torch.tensor(np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(dims).copy())


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/datasets/fashion-mnist"
    x = idx(folder, "train-images-idx3-ubyte.gz").float().view(-1, 784) / 255
    y = idx(folder, "train-labels-idx1-ubyte.gz").long()
    torch.set_num_threads(1)
    print("# seed, then the first ten losses of torch", torch.__version__.split("+")[0])
    for seed in range(5):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        order = torch.randperm(60000)
        losses = []
        for i in range(0, 640, 64):
            ids = order[i : i + 64]
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[ids]), y[ids])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(seed, *(f"{loss:.9g}" for loss in losses))


if __name__ == "__main__":
    main()
