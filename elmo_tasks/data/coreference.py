"""Coreference in the columns of CoNLL-2012: a reader and a writer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.gap import is_gap, read_gap
from elmo_tasks.data.lines import read_lines
from elmo_tasks.data.reading import Note, no_note
from elmo_tasks.text.clusters import bracket_cells
from elmo_tasks.text.examples import Cluster, Document, Mention

_BEGIN = re.compile(r"#begin document \(?(?P<name>.*?)\)?(?:;\s*part\s*(?P<part>[0-9]{1,9}))?\s*")
_END = "#end document"
_BRACKET = re.compile(r"(\()?([0-9]{1,9})(\))?")
_WORD, _SPEAKER, _LEAST = 3, 9, 5
_UNKNOWN = ("-", "_", "*")
_EXPECTED = "expected CoNLL-2012: `#begin document (NAME); part 000`, then one token per line"


def read_coreference(path: Path, *, encoding: str = "utf-8", note: Note = no_note) -> list[Document]:
    """Read documents with coreference clusters.

    A file has the columns of CoNLL-2012, separated by tabs or spaces: the word is in column 4, the speaker in column
    10 and coreference in the last one (`(3`, `3)`, `(3)`, several joined by `|`, `-` if none). The columns between
    them may be missing. A folder is read with all `*gold_conll` files below it, of which those below `english` are
    preferred, as in OntoNotes. The genre is the part of a document's name before the first `/`, or the second part of a
    name such as `GUM_fiction_moon`. A table with the columns of GAP is read by `read_gap`.

    note: receives a line if a mention occurs in several clusters; only the first of them keeps it.

    Raises:
        InputError: there is no such file, or it has no documents; a row has too few columns or a malformed coreference
            cell; a mention is not closed in its sentence, or closed without being opened; with `file:line`.
    """
    if not path.is_dir():
        lines = read_lines(path, encoding)
        return read_gap(path, lines) if is_gap(lines) else _read_file(path, lines, note)
    files = sorted(path.rglob("*gold_conll"))
    files = [file for file in files if "english" in file.parts] or files
    if not files:
        raise InputError(f"{path}: there are no *_gold_conll files below this folder")
    return [document for file in files for document in _read_file(file, read_lines(file, encoding), note)]


def to_conll2012(documents: Sequence[Document], clusters: Sequence[Sequence[Cluster]]) -> str:
    """Write documents with these clusters in the columns of CoNLL-2012, as the official scorer reads them.

    Columns other than document, part, number, word, speaker and coreference are `-`.
    """
    parts = []
    for number, (document, own) in enumerate(zip(documents, clusters, strict=True)):
        name = re.sub(r"\s", "_", document.name) or f"document-{number + 1}"
        cells, at = bracket_cells(own), 0
        parts.append(f"#begin document ({name}); part {document.part:03d}\n")
        for sentence in document.sentences:
            for place, word in enumerate(sentence):
                speaker = document.speakers[at] if document.speakers else ""
                row = (name, str(document.part), str(place), word, *"-----", re.sub(r"\s", "_", speaker) or "-", "-")
                parts.append("\t".join((*row, cells.get(at, "-"))) + "\n")
                at += 1
            parts.append("\n")
        parts.append(f"{_END}\n")
    return "".join(parts)


def _read_file(path: Path, lines: Sequence[str], note: Note) -> list[Document]:
    documents = list(_documents(path, lines, note))
    if not documents:
        raise InputError(f"{path}: the file has no documents; {_EXPECTED}")
    return documents


def _documents(path: Path, lines: Sequence[str], note: Note) -> Iterator[Document]:
    reading: _Reading | None = None
    for number, line in enumerate([*lines, _END], 1):
        source = f"{path}:{number}"
        begin = _BEGIN.fullmatch(line)
        if begin or line.startswith(_END):
            if reading is not None and (found := reading.finished(note)) is not None:
                yield found
            reading = None
            if begin:
                reading = _Reading(begin["name"], int(begin["part"] or 0), source)
        elif not line.strip():
            if reading is not None:
                reading.end_sentence()
        elif reading is not None:
            reading.add(line.split("\t") if "\t" in line else line.split(), source)
        elif not line.startswith("#"):
            raise InputError(f"{source}: a token outside of a document; {_EXPECTED}")


class _Reading:
    """A document that is being read."""

    def __init__(self, name: str, part: int, source: str) -> None:
        self.name, self.part, self.source = name, part, source
        self.sentences: list[tuple[str, ...]] = []
        self.words: list[str] = []
        self.speakers: list[str] = []
        self.open: dict[int, list[tuple[int, str]]] = defaultdict(list)
        self.found: dict[int, list[Mention]] = defaultdict(list)
        self.sources: dict[Mention, str] = {}

    def add(self, cells: Sequence[str], source: str) -> None:
        """Add a token. Raises InputError, with `source`, if its row is damaged."""
        if len(cells) < _LEAST:
            raise InputError(f"{source}: the row has {len(cells)} columns, but needs at least {_LEAST}; {_EXPECTED}")
        word = re.sub(r"\s", "\N{NO-BREAK SPACE}", cells[_WORD].strip())
        if not word:
            raise InputError(f"{source}: the row has no word in column {_WORD + 1}; {_EXPECTED}")
        at = len(self.speakers)
        speaker = cells[_SPEAKER].strip() if len(cells) > _SPEAKER + 1 else ""
        self.words.append(word)
        self.speakers.append("" if speaker in _UNKNOWN else speaker)
        cell = cells[-1].strip()
        for piece in () if cell in _UNKNOWN else cell.split("|"):
            bracket = _BRACKET.fullmatch(piece)
            if bracket is None or not (bracket[1] or bracket[3]):
                raise InputError(f"{source}: {quoted(cell)} is not a coreference cell such as (3, 3), (3)|(5 or -")
            self._bracket(int(bracket[2]), at, bracket[1] is not None, bracket[3] is not None, source)

    def _bracket(self, cluster: int, at: int, opens: bool, closes: bool, source: str) -> None:
        if opens:
            self.open[cluster].append((at, source))
        if closes:
            if not self.open[cluster]:
                raise InputError(f"{source}: {cluster}) closes a mention that is not open; open it with ({cluster}")
            start, opened = self.open[cluster].pop()
            mention = (start, at + 1)
            self.found[cluster].append(mention)
            self.sources.setdefault(mention, opened)

    def end_sentence(self) -> None:
        """End a sentence. Raises InputError if a mention is open."""
        for cluster, opened in self.open.items():
            if opened:
                raise InputError(
                    f"{opened[-1][1]}: the mention ({cluster} is not closed in its sentence; close it with {cluster})"
                )
        if self.words:
            self.sentences.append(tuple(self.words))
            self.words.clear()

    def finished(self, note: Note) -> Document | None:
        """The document, or None if it has no tokens."""
        self.end_sentence()
        if not self.sentences:
            return None
        seen: set[Mention] = set()
        clusters: list[Cluster] = []
        for _, mentions in sorted(self.found.items()):
            for mention in sorted(mentions):
                if mention in seen:
                    note(
                        f"{self.sources[mention]}: a mention is annotated twice; it stays only in the first of its "
                        "clusters"
                    )
            own = sorted({*mentions} - seen)
            seen.update(own)
            if own:
                clusters.append(tuple(own))
        speakers = tuple(self.speakers) if any(self.speakers) else ()
        return Document(
            tuple(self.sentences),
            tuple(sorted(clusters)),
            speakers,
            _genre(self.name),
            self.name,
            self.part,
            source=self.source,
        )


def _genre(name: str) -> str:
    """`bn` of `bn/cnn/00/cnn_0001`, `fiction` of `GUM_fiction_moon`; "" for other names."""
    if "/" in name:
        return name.partition("/")[0]
    pieces = name.split("_")
    return pieces[1] if pieces[0] == "GUM" and len(pieces) > 2 else ""
