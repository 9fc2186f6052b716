"""One training step (forward, backward, SGD with momentum) against PyTorch eager, in NCHW and in channels_last.

python perf/bench_training_step.py [--quick] [--json FILE] [--case TEXT]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import _timing
import _torch_networks
import numpy as np
import torch

from dhcore import nets, threads
from dhcore.nn import Model
from dhcore.optim import SGD

THREADS = 2
RATE, MOMENTUM = 0.01, 0.9
FORMATS = {"PyTorch NCHW": torch.contiguous_format, "PyTorch channels_last": torch.channels_last}


@dataclass(frozen=True)
class Case:
    name: str
    size: int
    batch: int
    ours: Callable[[], Model]
    peer: Callable[[], torch.nn.Module]
    classes: int
    #: Whether every pixel has a class.
    is_dense: bool = False


CASES = (
    Case(
        "ResNet-18 64x64, batch 16",
        64,
        16,
        lambda: nets.resnet18((3, 64, 64), 10),
        lambda: _torch_networks.resnet18(10),
        10,
    ),
    Case(
        "ResNet-18 224x224, batch 8",
        224,
        8,
        lambda: nets.resnet18((3, 224, 224), 1000),
        lambda: _torch_networks.resnet18(1000),
        1000,
    ),
    Case(
        "U-Net 128x128, batch 8",
        128,
        8,
        lambda: nets.unet((3, 128, 128), 2, width=32, levels=5),
        lambda: _torch_networks.UNet(32, 4, 2),
        2,
        is_dense=True,
    ),
)


def functions(case: Case) -> dict[str, Callable[[], object]]:
    """Return a training step of ours and of each peer on the same images and classes."""
    random = np.random.default_rng(0)
    images = random.standard_normal((case.batch, 3, case.size, case.size)).astype(np.float32)
    space = (case.size, case.size) if case.is_dense else ()
    classes = random.integers(0, case.classes, (case.batch, *space))
    model = case.ours()
    model.compile(SGD(RATE, momentum=MOMENTUM), "softmax_cross_entropy")
    peers = {name: peer(case, layout, images, classes) for name, layout in FORMATS.items()}
    return {"ours": lambda: model.train_batch(images, classes), **peers}


def peer(
    case: Case, layout: torch.memory_format, images: np.ndarray, classes: np.ndarray
) -> Callable[[], object]:
    model = case.peer().to(memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), RATE, momentum=MOMENTUM)
    x, y = torch.from_numpy(images).contiguous(memory_format=layout), torch.from_numpy(classes)

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        # Ours returns the loss as well.
        return loss.item()

    return step


def main() -> None:
    options = _timing.arguments(str(__doc__).partition("\n")[0])
    torch.set_num_threads(THREADS)
    rows: list[_timing.Row] = []
    with threads.limit(THREADS):
        for case in CASES:
            if options.case in case.name:
                rounds = 3 if options.quick else 15
                samples = _timing.interleave(functions(case), rounds=rounds, warm_up=3, calls=2)
                rows += _timing.compare(case.name, samples)
    _timing.finish(rows, options)


if __name__ == "__main__":
    main()
