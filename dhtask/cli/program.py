"""A Python program run as ``__main__``, as ``python app.py`` and ``python -m module`` would."""

from __future__ import annotations

import builtins
import io
import sys
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final, final

from dhtask.errors import ConfigurationError, DhtaskError

OURS: Final = str(Path(__file__).resolve().parents[1])
COMMAND_LINE: Final = str(Path(__file__).resolve().parent)


@final
@dataclass(frozen=True, slots=True)
class Program:
    """What to run: a script, a folder or archive with a ``__main__.py``, or a module by name."""

    #: Path, or dotted name when `is_module`.
    target: str
    arguments: tuple[str, ...]
    is_module: bool

    def check(self) -> None:
        """Make sure that there is something to run.

        Raises:
            ConfigurationError: There is no such file.
        """
        if not self.is_module and not Path(self.target).exists():
            raise ConfigurationError(f"expected a Python program, found no file {self.target!r}")

    @contextmanager
    def installed(self) -> Iterator[ModuleType]:
        """Make the program's module ``__main__``, with its ``sys.argv`` and ``sys.path[0]``, for a while.

        Workers started meanwhile inherit the path; what tasks pickle finds its classes in ``__main__``.
        """
        kept = sys.argv, list(sys.path), sys.modules["__main__"]
        module = ModuleType("__main__")
        vars(module).update(__builtins__=builtins, __annotations__={}, __cached__=None)
        sys.path.insert(0, self._path_entry())
        sys.argv = [self.target, *self.arguments]
        sys.modules["__main__"] = module
        try:
            yield module
        finally:
            sys.argv, sys.path[:], sys.modules["__main__"] = kept

    def execute(self, code: CodeType, module: ModuleType) -> int:
        """Run the program to its end.

        Args:
            code: What `load` gave.
            module: What `installed` gave.

        Returns:
            The exit code that the program asked for.
        """
        try:
            exec(code, vars(module))  # noqa: S102 - running the user's program is what we are for
        except SystemExit as leaving:
            return exit_code(leaving)
        return 0

    def _path_entry(self) -> str:
        if self.is_module:
            return str(Path.cwd())
        path = Path(self.target).resolve()
        return str(path.parent) if self._is_script() else str(path)

    def _is_script(self) -> bool:
        path = Path(self.target)
        return path.is_file() and path.suffix not in {".zip", ".pyz"}

    def load(self, module: ModuleType) -> CodeType:
        """Find and compile the program.

        Args:
            module: What `installed` gave; it learns where the program comes from.

        Raises:
            ConfigurationError: There is no such module, or nothing in it to run.
            SyntaxError: The program is not Python.
        """
        if not self.is_module and self._is_script():
            path = str(Path(self.target).absolute())
            vars(module).update(__file__=path, __spec__=None, __package__=None)
            with io.open_code(path) as file:
                return compile(file.read(), path, "exec", dont_inherit=True)
        spec = self._module_spec() if self.is_module else self._archive_spec()
        # Loaders of Python source and archives have it; extension modules cannot be run.
        code: CodeType | None = getattr(spec.loader, "get_code", lambda _: None)(spec.name)
        if code is None:
            raise ConfigurationError(f"{self.target!r} has no Python code to run")
        vars(module).update(__file__=spec.origin, __loader__=spec.loader, __package__=spec.parent)
        vars(module)["__spec__"] = spec if self.is_module else None
        if self.is_module:
            sys.argv[0] = spec.origin or self.target
        return code

    def _module_spec(self) -> ModuleSpec:
        try:
            spec = find_spec(self.target)
            if spec is not None and spec.submodule_search_locations is not None:
                spec = find_spec(f"{self.target}.__main__")
        except ModuleNotFoundError as error:
            raise ConfigurationError(f"no module {self.target!r} to run: {error}") from None
        if spec is None:
            raise ConfigurationError(
                f"no module {self.target!r} to run; a package needs a module {self.target}.__main__"
            )
        return spec

    def _archive_spec(self) -> ModuleSpec:
        spec = PathFinder.find_spec("__main__", [self._path_entry()])
        if spec is None:
            raise ConfigurationError(
                f"expected a Python program, found no '__main__.py' in {self.target!r}"
            )
        return spec


def exit_code(leaving: SystemExit) -> int:
    """What ``python`` would return for a `SystemExit`; a message goes to the standard error.

    Example:
        >>> exit_code(SystemExit(3)), exit_code(SystemExit())
        (3, 0)
    """
    if leaving.code is None:
        return 0
    if isinstance(leaving.code, int):
        return leaving.code
    print(leaving.code, file=sys.stderr)
    return 1


def show(error: BaseException) -> None:
    """Print the traceback of a program's exception as Python does, without the frames that ran the program.

    Args:
        error: What ended the program.
    """
    hidden = [COMMAND_LINE]
    if isinstance(error, DhtaskError) or getattr(error, "__notes__", None):
        # The notes tell what happened on the worker; how the exception came here is of no interest.
        hidden.append(OURS)
    error.__traceback__ = _without(error.__traceback__, hidden)
    sys.excepthook(type(error), error, error.__traceback__)


def _without(
    traceback: types.TracebackType | None, folders: Sequence[str]
) -> types.TracebackType | None:
    entries = []
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    kept: types.TracebackType | None = None
    for entry in reversed(entries):
        file = entry.tb_frame.f_code.co_filename
        if not any(Path(file).is_relative_to(folder) for folder in folders):
            kept = types.TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return kept
