from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dhcore import losses, nets
from dhcore._ops.graph import Graph
from dhcore._plan import compile_plan
from dhcore.nn import Model, _objective
from tests.dhcore.plan import graphs
from tests.dhcore.plan.oracle import distance, truth, view

NETWORKS: dict[str, Callable[[], Model]] = {
    "lenet": nets.lenet,
    "vgg11": lambda: nets.vgg(11, (3, 32, 32), 5, hidden=(24,)),
    "vgg11 normalised": lambda: nets.vgg(
        11, (3, 32, 32), 5, hidden=(24,), batch_norm=True, dropout=0
    ),
    "resnet18": lambda: nets.resnet18((3, 64, 64), 7, width=16),
    "unet": lambda: nets.unet((1, 32, 32), 2, width=8, levels=3),
    "unet of averages, interpolated": lambda: nets.unet(
        (3, 16, 16), 3, width=16, levels=2, pooling="average", upsampling="linear"
    ),
    "unet without normalisation, repeated": lambda: nets.unet(
        (3, 16, 16), 1, width=8, levels=2, batch_norm=False, upsampling="nearest", dropout=0.2
    ),
}


def training_graph(model: Model) -> Graph:
    (output,) = model.graph.outputs
    channels = model.graph.nodes[model.graph.outputs[output]].shape[0]
    loss = "softmax_cross_entropy" if channels > 1 else "binary_cross_entropy"
    return _objective.training_graph(model.graph, {output: losses.by_name(loss)})


@pytest.mark.slow
@pytest.mark.parametrize("portable", [False, True], ids=["onednn", "portable"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_has_the_loss_gradient_and_statistics_of_the_interpreter(
    name: str, portable: bool
) -> None:
    graph = training_graph(NETWORKS[name]())
    state = graphs.state(graph)
    inputs = graphs.batch(graph, 4, classes=graph.nodes[graph.inputs["target"]].shape[0] > 1)
    plan = compile_plan(graph, batch=4, threads=2, portable=portable)
    plan.load(*state)
    found, expected = plan.gradients(inputs, seed=3, step=2), truth(graph, state, inputs, step=2)
    assert abs(float(found.outputs["loss"]) - float(expected.outputs["loss"])) < 1e-5
    everything = np.concatenate(
        [expected.gradients[n].reshape(-1) for n, s in graph.slots.items() if s.role == "parameter"]
    )
    # Rectifications near 0 and near ties of maxima fall otherwise in single precision than in double precision.
    assert distance(found.flat, everything) < 2e-2
    buffers = plan.buffers()
    for slot, values in expected.buffers.items():
        assert distance(view(graph, slot, buffers), values) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_has_the_outputs_of_the_interpreter_outside_training(name: str) -> None:
    graph = NETWORKS[name]().graph
    state, inputs = graphs.state(graph), graphs.batch(graph, 3)
    plan = compile_plan(graph, batch=3, threads=2, training=False)
    plan.load(*state)
    for output, values in truth(graph, state, inputs, training=False).outputs.items():
        assert distance(plan.forward(inputs)[output], values) < 1e-5


@pytest.mark.parametrize("name", ["lenet", "resnet18", "unet"])
def test_no_step_of_a_network_runs_on_the_generic_kernels(name: str) -> None:
    plan = compile_plan(training_graph(NETWORKS[name]()), batch=2, threads=1)
    if plan.is_portable:
        pytest.skip("oneDNN cannot be loaded here")
    assert [step for step in plan.describe() if "[generic]" in step or "[ref" in step] == []
