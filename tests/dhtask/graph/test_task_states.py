"""The page on the states of a task says what the table says, and the table covers every state."""

from __future__ import annotations

from pathlib import Path

from dhtask._graph.graph import TABLE
from dhtask._graph.nodes import ENDED, State, Stimulus

PAGE = Path(__file__).parents[3] / "docs" / "design" / "task-states.md"


def _rows(columns: int) -> list[list[str]]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if len(row) == columns and row[0] in set(State)]


def test_the_page_draws_every_transition() -> None:
    drawn = {(state, stimulus): function for state, stimulus, function, _ in _rows(4)}
    assert drawn == {(str(s), str(t)): action.__name__ for (s, t), action in TABLE.items()}


def test_the_page_names_every_state_once() -> None:
    assert [state for state, _ in _rows(2)] == [str(state) for state in State]


def test_every_unfinished_task_can_be_cancelled() -> None:
    assert all((state, Stimulus.CANCEL) in TABLE for state in State if state not in ENDED)
