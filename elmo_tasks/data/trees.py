"""Parse trees of the Stanford Sentiment Treebank as distributed: `(3 (2 It) (4 (4 's) (2 good)))`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from elmo_tasks.core.errors import InputError, quoted

_BEGIN = re.compile(r"\s*\([0-9]+[ \t]+\S")
_PIECE = re.compile(r"\(([0-9]+)(?=[ \t(])|(\))|([^ \t()]+)|[()]")  # other spaces, such as U+00A0, are part of a token


def is_tree(text: str) -> bool:
    """Whether a text begins like a tree; no label in other files has such a bracket."""
    return _BEGIN.match(text) is not None


def read_tree(line: str, source: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the label and the tokens of each node of a tree, the root first and a node before those below it.

    Tokens are not changed (`-LRB-`), as in other copies.

    Raises:
        InputError: the line is not one complete tree with a number at each node; the message has the column.
    """
    labels, spans, tokens = list[str](), list[tuple[int, int]](), list[str]()
    open_nodes: list[str] = []  # the content of each so far: nothing, `nodes` or `token`
    numbers: list[int] = []  # of the open nodes
    for piece in _PIECE.finditer(line):
        label, close, token = piece.groups()
        inner = open_nodes[-1] if open_nodes else "token" if labels else "nodes"
        if label and inner in ("", "nodes"):
            numbers.append(len(labels))
            labels.append(label)
            spans.append((len(tokens), len(tokens)))
            open_nodes[-1:] = ["nodes", ""] if open_nodes else [""]
        elif token and open_nodes and inner == "":
            tokens.append(token)
            open_nodes[-1] = "token"
        elif close and open_nodes and inner:
            open_nodes.pop()
            number = numbers.pop()
            spans[number] = (spans[number][0], len(tokens))
        else:
            raise _broken(source, f"unexpected {quoted(piece[0])} in column {piece.start() + 1}")
    if open_nodes or not tokens:
        raise _broken(source, f"{len(open_nodes)} brackets are not closed at the end of the line")
    return ((label, tuple(tokens[begin:end])) for label, (begin, end) in zip(labels, spans, strict=True))


def _broken(source: str, wrong: str) -> InputError:
    return InputError(f"{source}: {wrong}; expected one complete tree such as (3 (2 It) (4 works))")
