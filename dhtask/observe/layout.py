"""Layered drawing of a directed graph, after Sugiyama, Tagawa and Toda (1981).

Four steps, each a function below:

1. Layers: every node lies one layer under its deepest parent (longest path).
2. An arrow that passes layers gets a waypoint in each of them.
3. Order within layers: sweeps down and up put each node at the barycentre of its neighbours, neighbours
   are exchanged while that helps, and the order with the fewest crossings wins.
4. Abscissae: each layer in turn takes the least-squares position between its neighbours' that keeps the
   order and the distances. That is isotonic regression, solved exactly by pooling adjacent violators.

Everything is deterministic: ties keep the order of the input.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from dhtask.observe.fold import depths

SWEEPS: Final = 16
STRAIGHTENINGS: Final = 64


@dataclass(frozen=True, slots=True)
class Size:
    """Extent of a box in pixels."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the sheet in pixels, from the upper left corner."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything goes."""

    width: float
    height: float
    #: Centre of each node.
    centres: tuple[Point, ...]
    #: For each arrow the points from its source to its target, both ends included.
    routes: tuple[tuple[Point, ...], ...]


@dataclass(slots=True)
class _Net:
    """Nodes and waypoints: proper layers, arrows only between neighbouring ones."""

    layer_of: list[int]
    layers: list[list[int]]
    above: list[list[int]]
    below: list[list[int]]
    #: Node numbers along each arrow, from its upper to its lower end.
    chains: list[list[int]]
    node_count: int

    def is_waypoint(self, node: int) -> bool:
        return node >= self.node_count


def arrange(
    sizes: Sequence[Size],
    arrows: Sequence[tuple[int, int]],
    *,
    column_gap: float = 26.0,
    layer_gap: float = 46.0,
) -> Layout:
    """Place boxes in layers so that arrows point down and cross little.

    Args:
        sizes: Extent of each node.
        arrows: Pairs of node indices. An arrow from a higher to a lower index closes a cycle and is drawn upward.
        column_gap: Least horizontal distance between boxes.
        layer_gap: Vertical distance between layers.

    Returns:
        Centres of the boxes and routes of the arrows.

    Example:
        >>> layout = arrange([Size(40, 20)] * 3, [(0, 1), (0, 2)])
        >>> layout.centres[1].y == layout.centres[2].y > layout.centres[0].y
        True
    """
    net = _with_waypoints(len(sizes), arrows)
    _order(net)
    widths = [size.width for size in sizes] + [8.0] * (len(net.layer_of) - len(sizes))
    abscissae = _abscissae(net, widths, column_gap)
    ordinates, height = _ordinates(net, sizes, layer_gap)
    left = min((x - w / 2 for x, w in zip(abscissae, widths, strict=True)), default=0.0)
    places = [
        Point(round(x - left, 1), ordinates[layer])
        for x, layer in zip(abscissae, net.layer_of, strict=True)
    ]
    width = max((p.x + w / 2 for p, w in zip(places, widths, strict=True)), default=0.0)
    routes = [
        _route(chain, places, sizes, reverse=source > target)
        for chain, (source, target) in zip(net.chains, arrows, strict=True)
    ]
    return Layout(round(width, 1), height, tuple(places[: len(sizes)]), tuple(routes))


def _with_waypoints(node_count: int, arrows: Sequence[tuple[int, int]]) -> _Net:
    downward = [(min(arrow), max(arrow)) for arrow in arrows]
    layer_of = _layers(node_count, downward)
    chains: list[list[int]] = []
    for upper, lower in downward:
        passed = range(layer_of[upper] + 1, layer_of[lower])
        chains.append([upper, *range(len(layer_of), len(layer_of) + len(passed)), lower])
        layer_of.extend(passed)
    layers: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]
    for node, layer in enumerate(layer_of):
        layers[layer].append(node)
    above: list[list[int]] = [[] for _ in layer_of]
    below: list[list[int]] = [[] for _ in layer_of]
    for chain in chains:
        for upper, lower in pairwise(chain):
            above[lower].append(upper)
            below[upper].append(lower)
    return _Net(layer_of, layers, above, below, chains, node_count)


def _layers(node_count: int, arrows: Sequence[tuple[int, int]]) -> list[int]:
    layer_of = depths(node_count, arrows)
    first_child: dict[int, int] = {}
    has_parent = {lower for _, lower in arrows}
    for upper, lower in arrows:
        first_child[upper] = min(first_child.get(upper, layer_of[lower]), layer_of[lower])
    for node, layer in first_child.items():
        # What reads nothing stands right above its first reader: shorter arrows, narrower first layer.
        if node not in has_parent:
            layer_of[node] = layer - 1
    return layer_of


def _order(net: _Net) -> None:
    best = [list(layer) for layer in net.layers]
    fewest = _crossings(net)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        downward = sweep % 2 == 0
        neighbours = net.above if downward else net.below
        for layer in net.layers if downward else reversed(net.layers):
            _to_barycentres(net, layer, neighbours)
        _exchange(net)
        crossings = _crossings(net)
        if crossings < fewest:
            fewest, best = crossings, [list(layer) for layer in net.layers]
    for layer, order in zip(net.layers, best, strict=True):
        layer[:] = order


def _positions(net: _Net) -> dict[int, int]:
    return {node: place for layer in net.layers for place, node in enumerate(layer)}


def _to_barycentres(net: _Net, layer: list[int], neighbours: list[list[int]]) -> None:
    places = _positions(net)
    centres = {
        node: sum(places[n] for n in neighbours[node]) / len(neighbours[node])
        if neighbours[node]
        else float(places[node])
        for node in layer
    }
    layer.sort(key=lambda node: centres[node])


def _exchange(net: _Net) -> None:
    """Exchange neighbours within a layer where that removes crossings."""
    places = _positions(net)
    for layer in net.layers:
        for place in range(len(layer) - 1):
            one, other = layer[place], layer[place + 1]
            kept = _pair_crossings(net, one, other, places)
            exchanged = _pair_crossings(net, other, one, places)
            if exchanged < kept:
                layer[place], layer[place + 1] = other, one
                places[one], places[other] = place + 1, place


def _pair_crossings(net: _Net, left: int, right: int, places: dict[int, int]) -> int:
    return sum(
        places[a] > places[b]
        for neighbours in (net.above, net.below)
        for a in neighbours[left]
        for b in neighbours[right]
    )


def _crossings(net: _Net) -> int:
    places = _positions(net)
    total = 0
    for layer in net.layers:
        seen: list[int] = []
        for node in layer:
            ends = sorted(places[n] for n in net.below[node])
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _abscissae(net: _Net, widths: Sequence[float], gap: float) -> list[float]:
    x = [0.0] * len(widths)
    for layer in net.layers:
        cursor = 0.0
        for node in layer:
            x[node] = cursor + widths[node] / 2
            cursor += widths[node] + gap
        for node in layer:
            x[node] -= (cursor - gap) / 2
    for turn in range(STRAIGHTENINGS):
        downward = turn % 2 == 0
        last = turn >= STRAIGHTENINGS // 2
        for layer in net.layers if downward else reversed(net.layers):
            _straighten(net, layer, x, widths, gap, downward=downward, both=last)
    return x


def _straighten(
    net: _Net,
    layer: Sequence[int],
    x: list[float],
    widths: Sequence[float],
    gap: float,
    *,
    downward: bool,
    both: bool,
) -> None:
    wanted: list[float] = []
    weights: list[float] = []
    for node in layer:
        neighbours = list(net.above[node]) if both or downward else []
        neighbours += net.below[node] if both or not downward else []
        pull = [_stiffness(net, node, n) for n in neighbours]
        weights.append(sum(pull) or 0.1)
        wanted.append(
            sum(p * x[n] for p, n in zip(pull, neighbours, strict=True)) / sum(pull)
            if neighbours
            else x[node]
        )
    distances = [0.0] + [(widths[a] + widths[b]) / 2 + gap for a, b in pairwise(layer)]
    for node, place in zip(layer, _nearest(wanted, weights, distances), strict=True):
        x[node] = place


def _stiffness(net: _Net, one: int, other: int) -> float:
    """Long arrows want to be straight more than short ones do (Gansner et al., 1993)."""
    return (1.0, 2.0, 8.0)[net.is_waypoint(one) + net.is_waypoint(other)]


def _nearest(
    wanted: Sequence[float], weights: Sequence[float], distances: Sequence[float]
) -> list[float]:
    """Least-squares places that keep the order and the least distances: pool adjacent violators."""
    offsets: list[float] = []
    for distance in distances:
        offsets.append((offsets[-1] if offsets else 0.0) + distance)
    pools: list[tuple[float, float, int]] = []
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        mean, mass, count = want - offset, weight, 1
        while pools and pools[-1][0] >= mean:
            other_mean, other_mass, other_count = pools.pop()
            mean = (mean * mass + other_mean * other_mass) / (mass + other_mass)
            mass, count = mass + other_mass, count + other_count
        pools.append((mean, mass, count))
    flat = [mean for mean, _, count in pools for _ in range(count)]
    return [place + offset for place, offset in zip(flat, offsets, strict=True)]


def _ordinates(net: _Net, sizes: Sequence[Size], gap: float) -> tuple[list[float], float]:
    ordinates: list[float] = []
    cursor = 0.0
    for layer in net.layers:
        height = max((sizes[n].height for n in layer if not net.is_waypoint(n)), default=0.0)
        ordinates.append(round(cursor + height / 2, 1))
        cursor += height + gap
    return ordinates, max(0.0, cursor - gap)


def _route(
    chain: Sequence[int],
    places: Sequence[Point],
    sizes: Sequence[Size],
    *,
    reverse: bool,
) -> tuple[Point, ...]:
    upper, lower = chain[0], chain[-1]
    points = [
        Point(places[upper].x, places[upper].y + sizes[upper].height / 2),
        *(places[node] for node in chain[1:-1]),
        Point(places[lower].x, places[lower].y - sizes[lower].height / 2),
    ]
    return tuple(reversed(points) if reverse else points)
