"""From symbols to a graph: names, slots, order.

Layers are visited from the outputs back to the inputs, arguments in order, so names, slots and the order of the nodes
depend on the model alone, not on what else the program has built.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import final

from dhcore._ops.graph import Graph, Node, Role, Slot
from dhcore._ops.table import infer_sample_shape
from dhcore.errors import GraphError
from dhcore.nn.layer import ArraySpec, Layer, Shape, Symbol


@final
class GraphBuilder:
    """A graph in the making; also used to extend a finished one by a loss."""

    def __init__(self, graph: Graph | None = None) -> None:
        self.nodes: list[Node] = list(graph.nodes) if graph else []
        self.inputs: dict[str, int] = dict(graph.inputs) if graph else {}
        self.outputs: dict[str, int] = dict(graph.outputs) if graph else {}
        self.slots: dict[str, Slot] = dict(graph.slots) if graph else {}

    def add_input(self, name: str, shape: Shape) -> int:
        """A placeholder; its index."""
        if name in self.inputs:
            raise GraphError(f"two inputs are called {name!r}; give them names of their own")
        self.nodes.append(Node("input", (), (), shape, {}, name))
        self.inputs[name] = len(self.nodes) - 1
        return self.inputs[name]

    def add_node(
        self,
        op: str,
        inputs: tuple[int, ...],
        attributes: Mapping[str, object] | None = None,
        *,
        slots: tuple[str, ...] = (),
        name: str = "",
    ) -> int:
        """An operation, its shape worked out by the table; its index."""
        shapes = [self.nodes[index].shape for index in inputs]
        own = [self.slots[slot].shape for slot in slots]
        shape = infer_sample_shape(op, shapes, own, attributes or {})
        self.nodes.append(Node(op, inputs, slots, shape, attributes or {}, name))
        return len(self.nodes) - 1

    def add_slot(self, name: str, spec: ArraySpec) -> str:
        """A place in the arena of its role, unless it has one already; its name."""
        role: Role = "buffer" if spec.is_buffer else "parameter"
        known = self.slots.get(name)
        if known is None:
            offset = sum(slot.size for slot in self.slots.values() if slot.role == role)
            self.slots[name] = Slot(name, spec.shape, role, offset, decay=spec.decay)
        elif known.shape != spec.shape:
            raise GraphError(
                f"{name}: the layer is used twice and would need the shapes {known.shape} and {spec.shape}; "
                f"make two layers"
            )
        return name

    def graph(self) -> Graph:
        """The graph as it stands."""
        return Graph(tuple(self.nodes), self.inputs, self.outputs, self.slots)


@final
class Compilation:
    """The graph of some symbols, and the layers behind it."""

    def __init__(
        self, inputs: tuple[Symbol, ...], outputs: Sequence[tuple[str | None, Symbol]]
    ) -> None:
        ends = [symbol for _, symbol in outputs]
        symbols = _ordered(ends, first=inputs)
        _check_inputs(symbols, inputs, ends)
        self.names = _names(symbols)
        self.specs: dict[str, ArraySpec] = {}
        self._builder = GraphBuilder()
        places: dict[Symbol, int] = {}
        for symbol in symbols:
            places[symbol] = self._add(symbol, tuple(places[source] for source in symbol.inputs))
        for given, symbol in outputs:
            name = given or self.names[symbol.layer]
            if name in self._builder.outputs:
                raise GraphError(
                    f"two outputs are called {name!r}; pass outputs={{name: symbol, ...}} to tell them apart"
                )
            self._builder.outputs[name] = places[symbol]
        self.graph = self._builder.graph()

    def _add(self, symbol: Symbol, sources: tuple[int, ...]) -> int:
        name = self.names[symbol.layer]
        if symbol.application.op == "input":
            return self._builder.add_input(name, symbol.shape)
        slots = []
        for spec in symbol.application.arrays:
            slots.append(self._builder.add_slot(f"{name}.{spec.name}", spec))
            self.specs[slots[-1]] = spec
        application = symbol.application
        return self._builder.add_node(
            application.op, sources, application.attributes, slots=tuple(slots), name=name
        )


def _ordered(outputs: Iterable[Symbol], *, first: tuple[Symbol, ...]) -> list[Symbol]:
    """Every symbol behind the outputs, each after what it reads; inputs in the order they are given."""
    done: dict[Symbol, None] = dict.fromkeys(first)
    stack = list(reversed(list(outputs)))
    while stack:
        symbol = stack[-1]
        waiting = [source for source in reversed(symbol.inputs) if source not in done]
        if symbol in done or not waiting:
            done.setdefault(stack.pop())
        else:
            stack.extend(waiting)
    return list(done)


def _check_inputs(symbols: list[Symbol], inputs: tuple[Symbol, ...], outputs: list[Symbol]) -> None:
    for symbol in inputs:
        if symbol.application.op != "input":
            raise GraphError(f"a model's inputs are made by Input(...), found {symbol!r}")
    missing = [s for s in symbols if s.application.op == "input" and s not in inputs]
    if missing:
        raise GraphError(f"the outputs depend on {missing[0]!r}, which is not among the inputs")
    read = {source for symbol in symbols for source in symbol.inputs} | set(outputs)
    unread = [symbol for symbol in inputs if symbol not in read]
    if unread:
        raise GraphError(f"no output depends on the input {unread[0]!r}; leave it out")


def _names(symbols: list[Symbol]) -> dict[Layer, str]:
    """A name for every layer: its own, or its kind and a number."""
    layers = list(dict.fromkeys(symbol.layer for symbol in symbols))
    given = Counter(layer.name for layer in layers if layer.name)
    twice = [name for name, count in given.items() if count > 1]
    if twice:
        raise GraphError(f"two layers are called {twice[0]!r}; names are unique within a model")
    names: dict[Layer, str] = {}
    counts: Counter[str] = Counter()
    single_input = sum(layer.kind == "input" for layer in layers) == 1
    for layer in layers:
        name = layer.name or ("input" if layer.kind == "input" and single_input else None)
        while name is None or (name != layer.name and name in given):
            counts[layer.kind] += 1
            name = f"{layer.kind}{counts[layer.kind]}"
        names[layer] = name
    return names
