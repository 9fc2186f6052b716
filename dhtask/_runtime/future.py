"""The handle of a value that a task makes: it can be passed on, waited for, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar

from dhtask._model.function import TaskFunction
from dhtask.errors import FutureNotReadyError

if TYPE_CHECKING:
    from dhtask._runtime.data import DataStore
    from dhtask._runtime.specification import TaskSpec

R = TypeVar("R")


class _FutureAttributeError(FutureNotReadyError, AttributeError):
    """Lets ``hasattr`` and ``getattr`` with a default answer for a future as for any object."""


class Future(Generic[R]):
    """The value that a task call will give.

    Pass it to other tasks, alone or inside lists, tuples, dicts and dataclasses; read it with
    `wait_on`. Anything that would need the value now raises `FutureNotReadyError`.

    Where the class of the value is known from the annotation of the task, the task methods of that
    class can be called on the future.

    Example:
        >>> import dhtask
        >>> @dhtask.task
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> with dhtask.Runtime(executor="inline"):
        ...     future = double(4)
        ...     isinstance(future, dhtask.Future), dhtask.wait_on(future)
        (True, 8)
    """

    __slots__ = (
        "__weakref__",
        "_datum",
        "_is_deleted",
        "_name",
        "_spec",
        "_store",
        "_task",
    )

    def __init__(
        self, store: DataStore, datum: int, task: int, name: str, spec: TaskSpec | None
    ) -> None:
        self._store = store
        self._datum = datum
        self._task = task
        self._name = name
        self._spec = spec
        self._is_deleted = False

    def __del__(self) -> None:
        if not self._is_deleted:
            self._store.drop(self._datum)

    def __repr__(self) -> str:
        state = "deleted" if self._is_deleted else self._store.state_of(self)
        return f"<Future of {self._name}: {state}>"

    def __getattr__(self, name: str) -> Any:
        kind = None
        if not name.startswith("__") and self._spec is not None:
            kind = self._spec.result_class()
        if kind is not None:
            for owner in kind.__mro__:
                member = vars(owner).get(name)
                if isinstance(member, TaskFunction):
                    return member.__get__(self, kind)  # type: ignore[attr-defined]  # a Task binds like a function
        raise _FutureAttributeError(
            f"attribute {name!r} of a value that {self._name} has yet to make: {_HOW}"
        )

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Future):
            self._refuse("==")
        return self is other

    def __ne__(self, other: object) -> bool:
        return not self.__eq__(other)

    def __copy__(self) -> Future[R]:
        return self

    def __deepcopy__(self, memo: object) -> Future[R]:
        return self

    def __reduce__(self) -> NoReturn:
        self._refuse("pickling")

    def _refuse(self, operation: str) -> NoReturn:
        raise FutureNotReadyError(
            f"{operation} needs a value that {self._name} has yet to make: {_HOW}"
        )


_HOW: Final = "write wait_on(...) first, or pass the future to a task"

_REFUSED: Final = {
    "truth value": "__bool__",
    "iteration": "__iter__",
    "len()": "__len__",
    "indexing": "__getitem__",
    "item assignment": "__setitem__",
    "item deletion": "__delitem__",
    "in": "__contains__",
    "int()": "__int__",
    "float()": "__float__",
    "complex()": "__complex__",
    "index": "__index__",
    "a NumPy array": "__array__",
    "-": "__neg__",
    "+": "__pos__",
    "~": "__invert__",
    "abs()": "__abs__",
    "round()": "__round__",
    "<": "__lt__",
    "<=": "__le__",
    ">": "__gt__",
    ">=": "__ge__",
}
_ARITHMETIC: Final = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod", "**": "pow",
    "@": "matmul", "&": "and", "|": "or", "^": "xor", "<<": "lshift", ">>": "rshift", "divmod()": "divmod",
}  # fmt: skip


def _refusal(operation: str) -> Any:
    def refuse(self: Future[Any], *_arguments: object, **_keywords: object) -> NoReturn:
        self._refuse(operation)

    return refuse


def _refuse_operations() -> None:
    for operation, method in _REFUSED.items():
        setattr(Future, method, _refusal(operation))
    for operation, stem in _ARITHMETIC.items():
        for method in (f"__{stem}__", f"__r{stem}__", f"__i{stem}__"):
            setattr(Future, method, _refusal(operation))


_refuse_operations()
