"""Universal PropBank 2: predicates and the spans of their arguments in the columns of CoNLL-U Plus."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.columns import ColumnRow
from elmo_tasks.data.conllu import COLUMNS, EMPTY, ConlluFile
from elmo_tasks.text.examples import TaggedSentence
from elmo_tasks.text.spans import Span, from_spans

PREDICATE, SPANS = ("UP:PRED", "UP:PREDS"), "UP:ARGSPANS"
_SPAN = re.compile(r"([^:|]+):([0-9]+)-([0-9]+)")


def read_propbank(file: ConlluFile, overlaps: list[str]) -> list[TaggedSentence]:
    """Return the sentences of a file, each followed by its predicates, in the form of `read_srl`.

    A span that overlaps an earlier span of the same predicate, or the predicate itself, cannot be encoded as BIO tags
    and is left out.

    overlaps: receives the place of each span that is left out.

    Raises:
        InputError: the file has no argument spans, or a malformed one, with `file:line`.
    """
    mark = next((name for name in PREDICATE if name in file.names), None)
    if SPANS not in file.names or mark is None:
        raise InputError(
            f"{file.path}:{file.sentences[0][0].line}: {_what(file)}; this task needs argument spans, as in the "
            f"column {SPANS} of Universal PropBank 2"
        )
    return [example for rows in file.sentences for example in _sentence(file, rows, mark, overlaps)]


def _what(file: ConlluFile) -> str:
    """Describe a file without argument spans."""
    if any(name.startswith("UP:") for name in file.names):
        return f"the file is Universal PropBank with the columns {quoted(', '.join(file.names[-3:]))[1:-1]}"
    if file.names == COLUMNS and len(file.sentences[0][0].cells) > len(COLUMNS):
        return "the file is CoNLL-U with more columns, like Universal PropBank 1, which marks only heads of arguments"
    return "the file is CoNLL-U without semantic roles"


def _sentence(file: ConlluFile, rows: Sequence[ColumnRow], mark: str, overlaps: list[str]) -> Iterator[TaggedSentence]:
    tokens = tuple(file.form(row) for row in rows)
    for token, row in zip(tokens, rows, strict=True):
        if not token:
            raise InputError(f"{file.path}:{row.line}: the word is empty: {quoted(row.text)}")
    places = {file.cell(row, "ID"): place for place, row in enumerate(rows)}
    marked = [place for place, row in enumerate(rows) if file.cell(row, mark) != EMPTY]
    source = f"{file.path}:{rows[0].line}"
    yield TaggedSentence(tokens, tuple("B-V" if place in marked else "O" for place in range(len(rows))), source=source)
    for place in marked:
        at = f"{file.path}:{rows[place].line}"
        taken, spans = {place}, [Span("V", place, place + 1)]
        cell = file.cell(rows[place], SPANS)
        for part in [] if cell == EMPTY else cell.split("|"):
            found = _SPAN.fullmatch(part)
            if found is None or found[2] not in places or found[3] not in places or places[found[2]] > places[found[3]]:
                raise InputError(
                    f"{at}: {quoted(cell)} is not a list of spans such as A0:1-1|A1:4-6, with word numbers"
                )
            own = range(places[found[2]], places[found[3]] + 1)
            if taken & {*own}:
                overlaps.append(at)
            else:
                taken |= {*own}
                spans.append(Span(found[1], own.start, own.stop))
        yield TaggedSentence(tokens, from_spans(spans, len(rows), "BIO"), place, source)
