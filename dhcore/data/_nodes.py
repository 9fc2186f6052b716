"""YAML nodes to samples, collecting problems with their lines instead of stopping at the first."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml

from dhcore.data.dataset import Sample, is_remote
from dhcore.data.errors import Problem

_CONSTRUCTOR = yaml.SafeLoader


class Nodes:
    """Plain values of nodes, and the problems met."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def problem(self, node: yaml.Node, entry: str, message: str) -> None:
        self.problems.append(Problem(self.path, node.start_mark.line + 1, entry, message))

    def value(self, node: yaml.Node) -> Any:
        """The plain value of a scalar, the text where it has no other."""
        if not isinstance(node, yaml.ScalarNode):
            return node.value
        loader = _CONSTRUCTOR("")
        try:
            return loader.construct_object(node)
        except (yaml.YAMLError, ValueError):
            return node.value
        finally:
            loader.dispose()

    def mapping(self, node: yaml.Node | None, entry: str) -> dict[str, yaml.Node]:
        if node is None or (isinstance(node, yaml.ScalarNode) and self.value(node) is None):
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.problem(node, entry, "expected keys and values")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in found:
                self.problem(key, entry, f"the key {name!r} is there twice")
            found[name] = value
        return found

    def sequence(self, node: yaml.Node) -> list[yaml.Node]:
        return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]

    def text(self, node: yaml.Node | None, entry: str) -> str:
        if node is None or (isinstance(node, yaml.ScalarNode) and self.value(node) is None):
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self.problem(node, entry, "expected a text")
            return ""
        return str(node.value)

    def names(self, node: yaml.Node | None, entry: str) -> tuple[str, ...]:
        if node is None:
            return ()
        if not isinstance(node, yaml.SequenceNode) or not all(
            isinstance(n, yaml.ScalarNode) for n in node.value
        ):
            self.problem(node, entry, "expected a list of names")
            return ()
        names = [str(item.value) for item in node.value]
        for place, name in enumerate(names):
            if name in names[:place]:
                self.problem(node.value[place], entry, f"the name {name!r} is there twice")
        return tuple(names)


class EntryReader:
    """Entries of the list of images to samples."""

    def __init__(self, nodes: Nodes, classes: tuple[str, ...], features: tuple[str, ...]) -> None:
        self._nodes = nodes
        self._classes = classes
        self._features = features
        self._folder = nodes.path.parent.resolve()

    def sample(self, node: yaml.Node, index: int) -> Sample:
        entry, line = f"image {index}", node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            return Sample(self._locations(node, entry), line=line)
        parts = self._nodes.mapping(node, entry)
        if "location" not in parts:
            self._nodes.problem(node, entry, "expected a location")
        for key in parts.keys() & {"labels", "locations", "value", "mask", "class"}:
            self._nodes.problem(
                parts[key], entry, f"unknown key {key!r}; known are location, label, values, group"
            )
        label, mask = self._label(parts.get("label"), entry)
        return Sample(
            self._locations(parts["location"], entry) if "location" in parts else (),
            label,
            mask,
            self._values(parts.get("values"), entry),
            self._nodes.text(parts.get("group"), entry) or None,
            line,
        )

    def _locations(self, node: yaml.Node, entry: str) -> tuple[str, ...]:
        found = []
        for item in self._nodes.sequence(node):
            if not isinstance(item, yaml.ScalarNode) or not str(item.value).strip():
                self._nodes.problem(item, entry, "expected a path as location, or a list of paths")
                continue
            found.append(self._resolved(str(item.value)))
        if isinstance(node, yaml.SequenceNode) and not node.value:
            self._nodes.problem(node, entry, "expected at least one location")
        return tuple(found)

    def _resolved(self, location: str) -> str:
        return location if is_remote(location) else str(self._folder / location)

    def _label(
        self, node: yaml.Node | None, entry: str
    ) -> tuple[tuple[int, ...] | None, str | None]:
        if node is None or (isinstance(node, yaml.ScalarNode) and self._nodes.value(node) is None):
            return None, None
        items = self._nodes.sequence(node)
        if any(not isinstance(item, yaml.ScalarNode) for item in items):
            self._nodes.problem(
                node, entry, "expected a class, a list of classes, or a path as label"
            )
            return None, None
        if self._classes:
            indices = [self._class(item, entry) for item in items]
            return tuple(index for index in indices if index is not None), None
        if len(items) != 1:
            self._nodes.problem(
                node, entry, "several labels need a list of classes at the top of the file"
            )
            return None, None
        text = str(items[0].value)
        if isinstance(self._nodes.value(items[0]), int):
            self._nodes.problem(
                node, entry, f"label {text} is the index of a class, but the file has no classes"
            )
            return None, None
        return None, self._resolved(text)

    def _class(self, node: yaml.Node, entry: str) -> int | None:
        text = str(node.value)
        try:
            index = int(text)
        except ValueError:
            if text in self._classes:
                return self._classes.index(text)
            self._nodes.problem(
                node, entry, f"unknown class {text!r}{_suggestion(text, self._classes)}"
            )
            return None
        if text in self._classes and self._classes.index(text) != index:
            # The original reader takes integers for indices before it looks at the names.
            place = self._classes.index(text)
            self._nodes.problem(
                node,
                entry,
                f"label {text} may be the index {index} or the class {text!r}, number {place}",
            )
            return None
        if not 0 <= index < len(self._classes):
            self._nodes.problem(
                node, entry, f"label {index}, but the classes are 0 to {len(self._classes) - 1}"
            )
            return None
        return index

    def _values(self, node: yaml.Node | None, entry: str) -> tuple[Any, ...] | None:
        if node is None:
            return None
        if isinstance(node, yaml.SequenceNode):
            values = [self._nodes.value(item) for item in node.value]
            if self._features and len(values) > len(self._features):
                count = len(self._features)
                self._nodes.problem(
                    node, entry, f"{len(values)} values, but there are {count} features"
                )
            return tuple(values + [None] * (len(self._features) - len(values)))
        named = self._nodes.mapping(node, entry)
        for name in named.keys() - set(self._features):
            hint = _suggestion(name, self._features)
            self._nodes.problem(named[name], entry, f"unknown feature {name!r}{hint}")
        return tuple(
            self._nodes.value(named[name]) if name in named else None for name in self._features
        )


def _suggestion(text: str, names: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(text, names, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    shown = ", ".join(repr(name) for name in names[:8]) + (", ..." if len(names) > 8 else "")
    return f"; known are {shown or 'none'}"
