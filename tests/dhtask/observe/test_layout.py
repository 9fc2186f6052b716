"""Layered layout."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from dhtask.observe.layout import Layout, Size, arrange

GRAPHS = st.integers(1, 14).flatmap(
    lambda count: st.tuples(
        st.lists(
            st.builds(Size, st.integers(20, 160), st.sampled_from([30, 44])),
            min_size=count,
            max_size=count,
        ),
        st.sets(
            st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(
                lambda pair: pair[0] != pair[1]
            ),
            max_size=24,
        ).map(sorted),
    )
)


def overlap(layout: Layout, sizes: list[Size], one: int, other: int) -> bool:
    a, b = layout.centres[one], layout.centres[other]
    apart_x = abs(a.x - b.x) >= (sizes[one].width + sizes[other].width) / 2 - 0.2
    apart_y = abs(a.y - b.y) >= (sizes[one].height + sizes[other].height) / 2 - 0.2
    return not (apart_x or apart_y)


@given(GRAPHS)
def test_boxes_never_overlap(graph: tuple[list[Size], list[tuple[int, int]]]) -> None:
    sizes, arrows = graph
    layout = arrange(sizes, arrows)
    assert not any(overlap(layout, sizes, *pair) for pair in combinations(range(len(sizes)), 2))


@given(GRAPHS)
def test_boxes_lie_on_the_sheet(graph: tuple[list[Size], list[tuple[int, int]]]) -> None:
    sizes, arrows = graph
    layout = arrange(sizes, arrows)
    for centre, size in zip(layout.centres, sizes, strict=True):
        assert size.width / 2 - 0.2 <= centre.x <= layout.width - size.width / 2 + 0.2
        assert size.height / 2 - 0.2 <= centre.y <= layout.height - size.height / 2 + 0.2


@given(GRAPHS)
def test_arrows_run_from_box_to_box_in_one_direction(
    graph: tuple[list[Size], list[tuple[int, int]]],
) -> None:
    sizes, arrows = graph
    layout = arrange(sizes, arrows)
    for (source, target), route in zip(arrows, layout.routes, strict=True):
        ordinates = [point.y for point in route]
        assert ordinates == sorted(ordinates, reverse=source > target)
        assert len(set(ordinates)) == len(ordinates)
        assert (route[0].x, route[-1].x) == (layout.centres[source].x, layout.centres[target].x)


@given(GRAPHS)
def test_the_same_graph_is_laid_out_the_same(
    graph: tuple[list[Size], list[tuple[int, int]]],
) -> None:
    assert arrange(*graph) == arrange(*graph)


def test_two_chains_listed_crosswise_are_drawn_without_a_crossing() -> None:
    layout = arrange([Size(40, 30)] * 4, [(0, 3), (1, 2)])
    x = [centre.x for centre in layout.centres]
    assert (x[0] < x[1]) == (x[3] < x[2])


def test_a_chain_is_drawn_straight() -> None:
    layout = arrange([Size(width, 30) for width in (40, 90, 60)], [(0, 1), (1, 2)])
    assert len({centre.x for centre in layout.centres}) == 1


def test_a_parent_stands_over_the_middle_of_its_children() -> None:
    layout = arrange([Size(40, 30)] * 4, [(0, 1), (0, 2), (0, 3)])
    children = sorted(centre.x for centre in layout.centres[1:])
    assert abs(layout.centres[0].x - children[1]) < 1.0


def test_nothing_can_be_laid_out() -> None:
    assert arrange([], []) == Layout(0.0, 0.0, (), ())
