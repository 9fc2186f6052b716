"""Count words in files, in parallel: files and lists are tracked like any other value.

`python 02_files_and_collections.py` and `dhtask run 02_files_and_collections.py` print the same.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from dhtask import FILE_IN, FILE_INOUT, FILE_OUT, INOUT, barrier, open_file, task, wait_on

TEXTS = (
    "a task reads what another wrote",
    "a file is a datum and so is a list",
    "what is read is what the last task wrote",
)


@task(path=FILE_OUT)
def write(path: str, text: str) -> None:
    """A task that makes a file."""
    Path(path).write_text(text + "\n", encoding="utf-8")


@task(path=FILE_INOUT)
def shout(path: str) -> None:
    """A task that changes a file: those called before see the old text, those after the new one."""
    file = Path(path)
    file.write_text(file.read_text(encoding="utf-8").upper(), encoding="utf-8")


@task(path=FILE_IN)
def count(path: str) -> Counter[str]:
    """A task that reads a file."""
    return Counter(Path(path).read_text(encoding="utf-8").split())


@task(totals=INOUT)
def add(totals: dict[str, int], found: list[Counter[str]]) -> None:
    """A task that changes an object of the main program; the futures in the list come as values."""
    for counter in found:
        for word, times in counter.items():
            totals[word] = totals.get(word, 0) + times


def main() -> None:
    totals: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{number}.txt") for number in range(len(TEXTS))]
        for path, text in zip(paths, TEXTS, strict=True):
            write(path, text)
        before = [count(path) for path in paths]
        shout(paths[0])
        add(totals, before)
        with open_file(paths[0]) as file:
            print(file.read().strip())
        wait_on(totals)
        # Files come back to their paths here at the latest: the folder is about to go.
        barrier()
    common = sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:4]
    print(", ".join(f"{word} {times}" for word, times in common))


if __name__ == "__main__":
    main()
