"""Whole networks against PyTorch with the same weights.

The truth is PyTorch in double precision. In single precision we may be at most three times as far from it as PyTorch
in single precision is. Where an activation lies within rounding of zero, or two within rounding of each other under a
pooling window, either library may land on the other side, and its gradient is a little that of another network: so the
networks are small, and what is compared is the median over draws of weights and data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dhcore import losses, nets, nn, optim
from dhcore._ops.graph import Graph
from dhcore.nn._batches import Samples
from dhcore.nn._objective import training_graph

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

from tests.parity.torch_graph import TorchGraph  # noqa: E402 - it needs PyTorch as well

#: How many times PyTorch's own error is allowed.
FACTOR = 3
#: An error below this many units in the last place is rounding of the result itself.
FLOOR = 2 * float(np.finfo(np.float32).eps)

DRAWS = 3
STEPS = 3

NETWORKS: list[Any] = [
    pytest.param(lambda: nets.lenet((1, 20, 20), 10), "softmax_cross_entropy", id="lenet"),
    pytest.param(
        lambda: nets.vgg(11, (3, 32, 32), 10, width=8, hidden=(32,), dropout=0.0),
        "softmax_cross_entropy", id="vgg11",
    ),
    pytest.param(
        lambda: nets.vgg(13, (3, 64, 64), 10, width=4, hidden=(), batch_norm=True),
        "softmax_cross_entropy", id="vgg13_bn",
    ),
    pytest.param(
        lambda: nets.resnet18((3, 64, 64), 10, width=8), "softmax_cross_entropy", id="resnet18"
    ),
    pytest.param(
        lambda: nets.unet((3, 32, 32), 3, width=8, levels=3), "softmax_cross_entropy", id="unet"
    ),
    pytest.param(
        lambda: nets.unet((3, 48, 32), 1, width=8, levels=4, batch_norm=False, pooling="average"),
        "binary_cross_entropy", id="unet_average",
    ),
    pytest.param(
        lambda: nets.unet((1, 32, 32), 2, width=8, levels=3, upsampling="linear"),
        losses.SoftmaxCrossEntropy() + 0.5 * losses.Dice(), id="unet_linear_sum_of_losses",
    ),
]  # fmt: skip
each_network = pytest.mark.parametrize(("build", "loss"), NETWORKS)


def case(
    build: Callable[[], nn.Model], loss: Any, draw: int
) -> tuple[nn.Model, dict[str, np.ndarray], Graph]:
    """A model on the processor, a batch, and the training graph."""
    model = build()
    model.compile(optim.SGD(0.02, momentum=0.9, weight_decay=1e-3), loss, seed=draw)
    numbers = np.random.default_rng(draw)
    shape = model.graph.nodes[model.graph.inputs["image"]].shape
    classes, *size = model.graph.nodes[model.graph.outputs["head"]].shape
    images = numbers.standard_normal((4, *shape)).astype(np.float32)
    truth = numbers.integers(0, max(2, classes), (4, *size))
    weight = numbers.uniform(0.5, 1.5, 4).astype(np.float32)
    chosen = losses.by_name(loss) if isinstance(loss, str) else loss
    graph = training_graph(model.graph, {"head": chosen})
    feed = Samples(model.graph, images, truth, weight, targets={"head": True}).feed(slice(None))
    return model, feed, graph


def peers(graph: Graph, model: nn.Model) -> tuple[TorchGraph, TorchGraph]:
    """PyTorch with the model's weights in single and in double precision."""
    weights = model.weights()
    return TorchGraph(graph, weights, torch.float32), TorchGraph(graph, weights, torch.float64)


def distance(found: Any, truth: Any) -> float:
    """Error in units of the truth's length."""
    difference = np.asarray(found, np.float64) - truth
    return float(np.linalg.norm(difference) / np.linalg.norm(truth))


def assert_as_exact(errors: list[tuple[float, float]], what: str) -> None:
    ours, theirs = (float(np.median(column)) for column in zip(*errors, strict=True))
    assert ours <= FACTOR * max(theirs, FLOOR), f"{what}: error {ours:.2e}, PyTorch's {theirs:.2e}"


def both(ours: Any, theirs: Any, truth: Any) -> tuple[float, float]:
    return distance(ours, truth), distance(theirs, truth)


@each_network
def test_loss_gradient_and_running_figures_are_as_exact_as_pytorchs(
    build: Callable[[], nn.Model], loss: Any
) -> None:
    errors: dict[str, list[tuple[float, float]]] = {}
    for draw in range(DRAWS):
        model, feed, graph = case(build, loss, draw)
        single, double = peers(graph, model)
        their_loss, their_gradient = single.loss_and_gradient(feed)
        true_loss, true_gradient = double.loss_and_gradient(feed)
        found = model.gradients({"image": feed["image"]}, {"head": feed["target"]}, feed["weight"])
        errors.setdefault("loss", []).append(both([found.loss], [their_loss], [true_loss]))
        errors.setdefault("gradient", []).append(both(found.values, their_gradient, true_gradient))
        if model.state.buffers.size:
            figures = both(model.state.buffers, single.flat("buffer"), double.flat("buffer"))
            errors.setdefault("running figures", []).append(figures)
    for what, several in errors.items():
        assert_as_exact(several, what)


@each_network
def test_steps_of_training_stay_as_close_as_pytorchs(
    build: Callable[[], nn.Model], loss: Any
) -> None:
    errors = []
    for draw in range(DRAWS):
        model, feed, graph = case(build, loss, draw)
        start = model.state.parameters.astype(np.float64)
        ways = []
        for peer in peers(graph, model):
            rule = torch.optim.SGD(groups(peer), lr=0.02, momentum=0.9)
            for _ in range(STEPS):
                rule.zero_grad()
                peer(feed)["loss"].backward()
                rule.step()
            ways.append(peer.flat() - start)
        for _ in range(STEPS):
            model.train_batch({"image": feed["image"]}, {"head": feed["target"]}, feed["weight"])
        errors.append(both(model.state.parameters - start, *ways))
    assert_as_exact(errors, "way of the parameters")


def groups(peer: TorchGraph) -> list[dict[str, Any]]:
    """Parameters with and without weight decay."""
    slots = peer.graph.slots
    decayed = [peer.slots[name] for name in peer.parameters() if slots[name].decay]
    plain = [peer.slots[name] for name in peer.parameters() if not slots[name].decay]
    return [{"params": decayed, "weight_decay": 1e-3}, {"params": plain, "weight_decay": 0.0}]


OPTIMIZERS: list[Any] = [
    pytest.param(optim.SGD(0.1), lambda p: torch.optim.SGD(p, 0.1), id="sgd"),
    pytest.param(
        optim.SGD(0.1, momentum=0.9, weight_decay=0.01),
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01), id="momentum",
    ),
    pytest.param(
        optim.SGD(0.1, momentum=0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True), id="nesterov",
    ),
    pytest.param(
        optim.Adam(0.01, weight_decay=0.01),
        lambda p: torch.optim.Adam(p, 0.01, weight_decay=0.01), id="adam",
    ),
    pytest.param(
        optim.AdamW(0.01, weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.1), id="adamw",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "theirs"), OPTIMIZERS)
def test_every_step_of_an_optimizer_is_as_exact_as_pytorchs(
    rule: optim.Optimizer, theirs: Callable[[list[Any]], Any]
) -> None:
    draw = np.random.default_rng(0)
    parameters = draw.standard_normal(5000).astype(np.float32)
    single = torch.tensor(parameters, requires_grad=True)
    double = torch.tensor(parameters.astype(np.float64), requires_grad=True)
    peers = [(tensor, theirs([tensor])) for tensor in (single, double)]
    slots = rule.slots(parameters.size)
    for step in range(20):
        gradient = draw.standard_normal(5000).astype(np.float32)
        rule.update(parameters, gradient, slots, step)
        for tensor, peer in peers:
            tensor.grad = torch.tensor(gradient, dtype=tensor.dtype)
            peer.step()
        errors = both(parameters, single.detach().numpy(), double.detach().numpy())
        assert_as_exact([errors], f"step {step}")
