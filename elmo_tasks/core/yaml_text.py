"""Parse YAML and JSON settings within limits, with the line of every key.

Settings may come from untrusted sources, in the folder of a run. Therefore a text may have at most `MOST_BYTES` bytes,
nesting of depth `MOST_DEPTH`, `MOST_VALUES` values after expanding aliases, and numbers of `MOST_DIGITS` characters.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from elmo_tasks.core.errors import InputError

_KEYS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")
MOST_BYTES, MOST_DEPTH, MOST_VALUES, MOST_DIGITS = 1 << 20, 20, 20_000, 1_000


def read_yaml(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Read the nested values of a file, and the `file:line` of each by its dotted key, such as `training.epochs`.

    Raises:
        InputError: the file does not exist, is not YAML or JSON, has no keys and values or a duplicate key, or exceeds
            the limits.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such configuration file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a configuration ({error})") from None
    if len(raw) > MOST_BYTES:
        raise InputError(f"{path}: too large; a configuration has at most {MOST_BYTES:,} bytes")
    values, places = parse_yaml(text, str(path))
    if values is None:
        return {}, {}
    if not isinstance(values, dict):
        raise InputError(f"{path}: not a configuration; it must have keys and values, such as `seed: 1`")
    return values, places


def parse_yaml(text: str, origin: str) -> tuple[Any, dict[str, str]]:
    """Parse a text and find the `origin:line` of its keys. Raises InputError, see `read_yaml`."""
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None, {}
            _measure(node, {})
            places: dict[str, str] = {}
            _find_keys(node, "", origin, places)
            return loader.construct_document(node), places
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark and not origin.startswith("--set") else ""
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        raise InputError(f"{origin}{line}: not YAML ({problem})") from None
    except (ValueError, OverflowError) as error:  # such as a date with month 13
        raise InputError(f"{origin}: not YAML ({error})") from None


class _Loader(yaml.SafeLoader):
    """A safe loader with a nesting limit of `MOST_DEPTH`."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose a node within the limit, which prevents a stack overflow."""
        self.depth += 1
        try:
            if self.depth > MOST_DEPTH:
                raise _refusal(f"nested more than {MOST_DEPTH} deep", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def _measure(node: Any, known: dict[int, tuple[int, int] | None]) -> tuple[int, int]:
    """The number of values in a node and their depth, with aliases expanded."""
    if id(node) in known:
        found = known[id(node)]
        if found is None:
            raise _refusal("an alias refers to itself", node.start_mark)
        return found
    known[id(node)] = None
    size, depth = 1, 1
    if isinstance(node, yaml.ScalarNode):
        if node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float") and len(node.value) > MOST_DIGITS:
            raise _refusal(f"a number of {len(node.value):,} characters, more than {MOST_DIGITS:,}", node.start_mark)
    else:
        pairs = node.value if isinstance(node, yaml.MappingNode) else [(item,) for item in node.value]
        for child in (child for pair in pairs for child in pair):
            more, deeper = _measure(child, known)
            size, depth = size + more, max(depth, 1 + deeper)
    if size > MOST_VALUES:
        raise _refusal(f"more than {MOST_VALUES:,} values", node.start_mark)
    if depth > MOST_DEPTH:
        raise _refusal(f"nested more than {MOST_DEPTH} deep", node.start_mark)
    known[id(node)] = size, depth
    return size, depth


def _find_keys(node: Any, where: str, origin: str, places: dict[str, str]) -> None:
    """Record the place of each key of a mapping, recursively.

    Raises:
        YAMLError: a key is there twice, or is not a text.
    """
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen and key.value != "<<":
                    raise _refusal(f"duplicate key {key.value!r}", key.start_mark)
                seen.add(key.value)
                if key.tag not in _KEYS:  # `yes` and nothing, for example
                    raise _refusal(f"the key {key.value!r} is not a text; put it in quotes", key.start_mark)
                if not origin.startswith("--set"):
                    places[f"{where}{key.value}"] = f"{origin}:{key.start_mark.line + 1}"
                _find_keys(value, f"{where}{key.value}.", origin, places)


def _refusal(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
