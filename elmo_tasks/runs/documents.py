"""The documents that a run is applied to: several sentences that are analysed together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.marked import read_input
from elmo_tasks.runs.given import items_of
from elmo_tasks.text.examples import Example
from elmo_tasks.text.pairs import whole_of
from elmo_tasks.text.results import joined, sentence_of
from elmo_tasks.text.tokeniser import Sentence, split_text

_EXPECTED = "a document is a text, or a list of sentences, each a list of tokens"


class SplitDocument(NamedTuple):
    """A document with its sentences. whole: its text with the tokens of all sentences."""

    whole: Sentence
    sentences: Sequence[Sentence]


def is_one_document(given: object) -> bool:
    """Whether the argument of a run is one document: a text, or a list of sentences."""
    if isinstance(given, str):
        return True
    if not isinstance(given, (list, tuple)) or not given:
        return False
    first = given[0]
    return isinstance(first, (list, tuple)) and all(isinstance(token, str) for token in first)


def checked_documents(given: Any) -> list[SplitDocument]:
    """Split an iterable of documents. Raises InputError if it has none, or an item is not a document."""
    items = items_of(given, "document", _EXPECTED)
    return [checked_document(item, f"item {number}") for number, item in enumerate(items)]


def checked_document(given: Any, name: str) -> SplitDocument:
    """Split a document into sentences and tokens, unless it is given as such.

    A document of token lists has the text of its tokens joined with spaces, and of its sentences joined with line
    breaks.

    Raises:
        InputError: it is of another type, or has no tokens; the message begins with `name`.
    """
    if isinstance(given, str):
        sentences = split_text(given)
        whole = whole_of(given, sentences)
    elif is_one_document(given) and all(
        isinstance(tokens, (list, tuple)) and all(isinstance(token, str) and token for token in tokens)
        for tokens in given
    ):
        sentences = [sentence_of(tokens) for tokens in given if tokens]
        whole = joined(sentences, "\n")
    else:
        raise InputError(f"{name}: {quoted(given)} is not a document; {_EXPECTED}")
    if not whole.tokens:
        raise InputError(f"{name}: the text is empty or only white space")
    return SplitDocument(whole, sentences)


def parse_documents(
    numbered: Iterable[tuple[int, str]], origin: str, make: Callable[[tuple[tuple[str, ...], ...], str], Example]
) -> Iterator[tuple[str, Sequence[Example]]]:
    """Yield the lines of each document and its example: one tokenised sentence per line, blank lines between documents.

    A sentence may also be a JSON object with its tokens, as for other tasks.

    numbered: lines without line breaks; origin: their source; make: `Task.document`.

    Raises:
        InputError: a JSON object has no tokens, or a line is that of a file with gold.
    """
    lines: list[str] = []
    sentences: list[tuple[str, ...]] = []
    first = 1
    for number, line in numbered:
        source = f"{origin}:{number}"
        if not line.strip():
            if lines:
                yield "\n".join(lines), [make(tuple(sentences), f"{origin}:{first}")]
                lines, sentences = [], []
            continue
        if line.startswith("#begin document"):
            raise InputError(
                f"{source}: CoNLL-2012 instead of one tokenised sentence per line; score such a file with `elmo-tasks "
                "evaluate RUN --data FILE`"
            )
        first = first if lines else number
        lines.append(line)
        if sentence := read_input(line, source):
            sentences.append(sentence)
    if lines:
        yield "\n".join(lines), [make(tuple(sentences), f"{origin}:{first}")]
