"""The training graph: the model's graph, its targets, and the operations of the losses.

::

    model outputs ──┬── activation (unless fused or already there) ── loss term ── scale ──┐
    target ─────────┤                                                                      ├─ add ── "loss"
    weight ─────────┘                                              further terms ──────────┘
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from dhcore import losses, metrics
from dhcore._ops.graph import Graph, Node
from dhcore.errors import GraphError, OperationError
from dhcore.losses import Loss, Term
from dhcore.metrics import Metric
from dhcore.nn._builder import GraphBuilder

#: Metrics of one output.
MetricChoice: TypeAlias = Sequence[Metric[Any] | str]

Part = TypeVar("Part")

LOSS: Final = "loss"
WEIGHT: Final = "weight"
#: Losses whose target lies between 0 and 1.
_OF_PROBABILITIES: Final = frozenset({"binary_cross_entropy", "dice_loss", "softmax_cross_entropy"})


def target_name(graph: Graph, output: str) -> str:
    """Name of the input that takes the truth of an output."""
    return "target" if len(graph.outputs) == 1 else f"target.{output}"


def training_graph(graph: Graph, chosen: Mapping[str, Loss]) -> Graph:
    """The graph of a model, extended by its losses: one more output, ``loss``."""
    builder = GraphBuilder(graph)
    reserved = {LOSS: graph.outputs, WEIGHT: graph.inputs}
    for name, taken in reserved.items():
        if name in taken:
            raise GraphError(f"{name!r} is a name that training needs; rename the model's own")
    targets = {
        output: builder.add_input(
            target_name(graph, output), graph.nodes[graph.outputs[output]].shape
        )
        for output in chosen
    }
    weight = builder.add_input(WEIGHT, ())
    parts = []
    for output, loss in chosen.items():
        place = graph.outputs[output]
        for term in loss.terms(_channels(graph, output)):
            source = _source(builder, place, term)
            parts.append(_add_term(builder, term, source, targets[output], weight))
    total = parts[0]
    for part in parts[1:]:
        total = builder.add_node("add", (total, part), name=LOSS)
    builder.outputs[LOSS] = total
    return builder.graph()


def chosen_losses(graph: Graph, loss: Loss | str | Mapping[str, Loss | str]) -> dict[str, Loss]:
    """The loss of each output that has one."""
    by_output = loss if isinstance(loss, Mapping) else dict.fromkeys(graph.outputs, loss)
    _check_outputs(graph, by_output)
    if not by_output:
        raise OperationError("a model is trained on at least one loss, found none")
    return {
        output: losses.by_name(chosen) if isinstance(chosen, str) else checked(chosen, Loss)
        for output, chosen in by_output.items()
    }


def checked(part: Part, kind: type) -> Part:
    """What stands in a call of compile, when it is of its kind."""
    if isinstance(part, kind):
        return part
    hint = f"call it: {part.__name__}()" if isinstance(part, type) else "or give its name"
    raise OperationError(f"expected an instance of {kind.__name__}, found {part!r}; {hint}")


def chosen_metrics(
    graph: Graph, chosen: Mapping[str, Loss], wanted: MetricChoice | Mapping[str, MetricChoice]
) -> dict[str, Metric[Any]]:
    """Metrics by the name of their figure; one given by name decides where the output's loss does."""
    by_output = wanted if isinstance(wanted, Mapping) else dict.fromkeys(chosen, wanted)
    _check_outputs(graph, by_output)
    result: dict[str, Metric[Any]] = {}
    for output, several in by_output.items():
        if output not in chosen:
            raise OperationError(
                f"output {output!r} has no loss, hence no target to measure against"
            )
        if isinstance(several, str):
            raise OperationError(f"metrics are a list, found {several!r}; write [{several!r}]")
        threshold = 0.0 if _decides_on_logits(graph, output, chosen[output]) else 0.5
        labels = True if _has_labels(graph, output, chosen[output]) else None
        for item in several:
            metric = (
                metrics.by_name(item, threshold=threshold, labels=labels)
                if isinstance(item, str)
                else checked(item, Metric)
            )
            result[_figure(graph, output, metric.name)] = metric
    return result


def output_of(graph: Graph, figure: str) -> str:
    """The output that a figure is about."""
    fitting = [name for name in graph.outputs if figure.startswith(f"{name}.")]
    return max(fitting, key=len) if len(graph.outputs) > 1 else next(iter(graph.outputs))


def targets_of(graph: Graph, training: Graph) -> dict[str, bool]:
    """Outputs that have a target, and whether it holds probabilities."""
    read = {node.inputs[1] for node in training.nodes if node.op in _OF_PROBABILITIES}
    places = {name: training.inputs.get(target_name(graph, name)) for name in graph.outputs}
    return {name: place in read for name, place in places.items() if place is not None}


def _figure(graph: Graph, output: str, metric: str) -> str:
    return metric if len(graph.outputs) == 1 else f"{output}.{metric}"


def _check_outputs(graph: Graph, by_output: Mapping[str, object]) -> None:
    unknown = sorted(set(by_output) - set(graph.outputs))
    if unknown:
        raise OperationError(f"expected outputs among {list(graph.outputs)}, found {unknown[0]!r}")


def _decides_on_logits(graph: Graph, output: str, loss: Loss) -> bool:
    """Whether an output holds logits of answers that do not exclude each other: then 0 decides, not one half."""
    terms = loss.terms(_channels(graph, output))
    is_answer = any(term.activation == "sigmoid" for term in terms)
    return is_answer and graph.nodes[graph.outputs[output]].op != "sigmoid"


def _has_labels(graph: Graph, output: str, loss: Loss) -> bool:
    """Whether each channel of an output is a yes or no of its own."""
    terms = loss.terms(_channels(graph, output))
    ends = graph.nodes[graph.outputs[output]].op
    return ends == "sigmoid" or any(term.activation == "sigmoid" for term in terms)


def _channels(graph: Graph, output: str) -> int:
    shape = graph.nodes[graph.outputs[output]].shape
    if not shape:
        raise GraphError(
            f"output {output!r} is one number for the whole batch: there is no loss of it"
        )
    return shape[0]


def _source(builder: GraphBuilder, place: int, term: Term) -> int:
    """The node a term reads: before the model's last activation when the term applies that one itself."""
    node = builder.nodes[place]
    if term.activation is None:
        return place
    if _is_activation(node, term.activation):
        return node.inputs[0] if term.is_fused else place
    if node.op in {"softmax", "sigmoid"}:
        raise GraphError(
            f"the model ends in {node.op} and its loss {term.op} would apply {term.activation} on top; "
            f"choose the loss that goes with {node.op}, or leave it out"
        )
    return place if term.is_fused else builder.add_node(term.activation, (place,), name=LOSS)


def _is_activation(node: Node, activation: str) -> bool:
    return node.op == activation and node.attributes.get("axis", 1) == 1


def _add_term(builder: GraphBuilder, term: Term, source: int, target: int, weight: int) -> int:
    value = builder.add_node(term.op, (source, target, weight), term.attributes, name=LOSS)
    if term.factor == 1:
        return value
    return builder.add_node("scale", (value,), {"factor": term.factor}, name=LOSS)
