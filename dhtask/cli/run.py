"""``dhtask run``: a Python program, its tasks in parallel."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import dhtask
from dhtask.cli.program import Program, show
from dhtask.errors import ConfigurationError
from dhtask.observe import (
    Observer,
    Progress,
    Recorder,
    RunRecord,
    check_graph_path,
    print_summary,
    write_graph,
    write_trace,
)

FAILED: Final = 1
INTERRUPTED: Final = 130
#: Width of a table that goes to a file.
FILE_WIDTH: Final = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.usage = (
        "dhtask run [options] app.py [args ...] | dhtask run [options] -m module [args ...]"
    )
    where = parser.add_argument_group("where tasks run")
    where.add_argument(
        "--workers", type=int, metavar="N", help="worker processes (default: one per core)"
    )
    where.add_argument(
        "--cluster", metavar="ADDRESS", help="Dask scheduler to use, such as tcp://host:8786"
    )
    where.add_argument(
        "--executor",
        choices=("dask", "inline"),
        default="dask",
        help="inline: one after another, here",
    )
    seen = parser.add_argument_group("what to see")
    seen.add_argument(
        "--graph", type=Path, metavar="FILE", help="write the task graph: .svg, .dot or .json"
    )
    seen.add_argument(
        "--trace", type=Path, metavar="FILE", help="write a timeline for ui.perfetto.dev (JSON)"
    )
    seen.add_argument(
        "--summary", action="store_true", help="print a table of the functions at the end"
    )
    seen.add_argument("--no-progress", action="store_true", help="show no progress")
    parser.add_argument(
        "-m",
        dest="module",
        nargs=argparse.REMAINDER,
        help="run a module by name, like python -m; the rest are its arguments",
    )
    parser.add_argument("program", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def execute(arguments: argparse.Namespace) -> int:
    """Run the program.

    Returns:
        The program's exit code; 1 when it or a task raised, 130 after Ctrl-C.

    Raises:
        ConfigurationError: Something that was asked for cannot be done; nothing has run.
        ClusterError: The cluster does not answer; nothing has run.
    """
    program = _program(arguments)
    _check(arguments, program)
    recorder = Recorder()
    observers: list[Observer] = []
    if arguments.graph or arguments.trace or arguments.summary:
        observers.append(recorder)
    progress = Progress()
    if not arguments.no_progress:
        observers.append(progress)
    with program.installed() as module:
        try:
            compiled = program.load(module)
        except SyntaxError as error:
            show(error)
            return FAILED
        # Opened before the program runs: what goes wrong here is bad input, what goes wrong later is the program.
        runtime = ExitStack()
        runtime.enter_context(
            dhtask.Runtime(
                workers=arguments.workers,
                cluster=arguments.cluster,
                executor=arguments.executor,
                observers=observers,
            )
        )
        code = _run(lambda: program.execute(compiled, module), runtime, progress)
    written = _write(arguments, recorder.record())
    return code or written


def _run(execute: Callable[[], int], runtime: ExitStack, progress: Progress) -> int:
    """Run the program in the open runtime and close it; what the program raises is shown."""
    code = 0
    try:
        with runtime:
            code = execute()
    except KeyboardInterrupt:
        # The live line must be gone before anything else is written.
        progress.close()
        print("dhtask: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever the program raises is shown and becomes the exit code
        progress.close()
        sys.stdout.flush()
        show(error)
        return code or FAILED
    progress.close()
    return code


def _program(arguments: argparse.Namespace) -> Program:
    words = arguments.module if arguments.module is not None else arguments.program
    if words and words[0] == "--":
        words = words[1:]
    if not words:
        raise ConfigurationError("expected a program: dhtask run app.py, or dhtask run -m module")
    return Program(words[0], tuple(words[1:]), is_module=arguments.module is not None)


def _check(arguments: argparse.Namespace, program: Program) -> None:
    program.check()
    if arguments.workers is not None and arguments.workers < 1:
        raise ConfigurationError(f"--workers must be at least 1, found {arguments.workers}")
    for option, value in (("--workers", arguments.workers), ("--executor", arguments.executor)):
        if arguments.cluster is not None and value not in {None, "dask"}:
            raise ConfigurationError(
                f"--cluster brings its own workers; leave out {option} {value}"
            )
    if arguments.graph is not None:
        check_graph_path(arguments.graph)
    for option, path in (("--graph", arguments.graph), ("--trace", arguments.trace)):
        if path is not None:
            _check_output(option, path)
    if arguments.graph is not None and arguments.graph == arguments.trace:
        raise ConfigurationError(f"--graph and --trace both write {str(arguments.graph)!r}")


def _check_output(option: str, path: Path) -> None:
    folder = path.parent
    if path.is_dir():
        raise ConfigurationError(f"{option} must name a file, found the folder {str(path)!r}")
    if not folder.is_dir():
        raise ConfigurationError(f"{option} {str(path)!r}: there is no folder {str(folder)!r}")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise ConfigurationError(f"{option} {str(path)!r}: no permission to write there")


def _write(arguments: argparse.Namespace, record: RunRecord) -> int:
    """Write what was asked for, also after a failure; 0 unless that fails."""
    if arguments.summary:
        _print_summary(record)
    try:
        if arguments.graph:
            write_graph(record, arguments.graph)
        if arguments.trace:
            write_trace(record, arguments.trace)
    except OSError as error:
        print(f"dhtask run: error: cannot write: {error}", file=sys.stderr)
        return FAILED
    return 0


def _print_summary(record: RunRecord) -> None:
    from rich.console import Console

    is_screen = sys.stderr.isatty()
    sys.stdout.flush()
    print_summary(record, Console(stderr=True, width=None if is_screen else FILE_WIDTH))
