"""GAP: Wikipedia snippets with an ambiguous pronoun and two names (Webster et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.text.examples import Document, Mention, PronounCase
from elmo_tasks.text.tokeniser import Sentence, split_text

_HEADER = ("ID", "Text", "Pronoun", "Pronoun-offset", "A", "A-offset", "A-coref", "B", "B-offset", "B-coref")
_FEMININE, _MASCULINE = ("she", "her", "hers"), ("he", "him", "his")
_TRUTH = {"true": True, "false": False}


def is_gap(lines: Sequence[str]) -> bool:
    """Whether the first line is the header of GAP."""
    return bool(lines) and tuple(lines[0].split("\t")[: len(_HEADER)]) == _HEADER


def read_gap(path: Path, lines: Sequence[str]) -> list[Document]:
    """Read a table of GAP: one document per row, with its `case`.

    The texts are split by the package's tokeniser. A place is the range of all tokens that overlap it. The gold cluster
    is the pronoun with the name that it refers to, if any.

    Raises:
        InputError: a row has too few columns, an offset does not point at its text, a value is not TRUE or FALSE, or
            the pronoun has no known gender; with `file:line`.
    """
    documents = [_document(line.split("\t"), f"{path}:{number}") for number, line in enumerate(lines[1:], 2) if line]
    if not documents:
        raise InputError(f"{path}: the file has no rows below its header")
    return documents


def _document(cells: Sequence[str], source: str) -> Document:
    if len(cells) < len(_HEADER):
        raise InputError(f"{source}: the row has {len(cells)} columns, but needs {len(_HEADER)}, as in GAP")
    row = dict(zip(_HEADER, cells, strict=False))
    sentences = split_text(row["Text"])
    pronoun, *names = (_place(row, sentences, what, source) for what in ("Pronoun", "A", "B"))
    refers = [_TRUTH.get(row[f"{what}-coref"].strip().lower()) for what in "AB"]
    if refers[0] is None or refers[1] is None:
        raise InputError(f"{source}: A-coref and B-coref must be TRUE or FALSE")
    word = row["Pronoun"].lower()
    if word not in (*_FEMININE, *_MASCULINE):
        raise InputError(f"{source}: {quoted(row['Pronoun'])} is not a pronoun of GAP, such as she, her, he or his")
    chosen = [name for name, own in zip(names, refers, strict=True) if own and name != pronoun]
    clusters = (tuple(sorted({pronoun, *chosen})),) if chosen else ()
    case = PronounCase(pronoun, (names[0], names[1]), (refers[0], refers[1]), word in _FEMININE)
    words = tuple(tuple(token.text for token in sentence.tokens) for sentence in sentences)
    return Document(words, clusters, name=row["ID"], case=case, source=source)


def _place(row: dict[str, str], sentences: Sequence[Sentence], what: str, source: str) -> Mention:
    said, offset = row[what], row[f"{what}-offset"].strip()
    start = int(offset) if offset.isdecimal() and len(offset) < 10 else -1
    stop = start + len(said)
    tokens = [token for sentence in sentences for token in sentence.tokens]
    inside = [number for number, token in enumerate(tokens) if token.start < stop and token.end > start]
    if start < 0 or row["Text"][start:stop] != said or not inside:
        raise InputError(f"{source}: {what}-offset {quoted(offset)} does not point at {quoted(said)} in the text")
    return inside[0], inside[-1] + 1
