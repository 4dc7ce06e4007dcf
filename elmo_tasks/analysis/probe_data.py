"""The data sets for `elmo-tasks probe`: the columns of their words and tags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from elmo_tasks.analysis.token_layers import evenly_spaced
from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import locate
from elmo_tasks.data.conll import read_conll, read_tokens
from elmo_tasks.data.splits import SPLIT_NAMES, read_folder
from elmo_tasks.text.examples import TaggedSentence

Read = Callable[[Path, int, str], Sequence[TaggedSentence]]


@dataclass(frozen=True)
class ProbeKind:
    """data: a catalog name; column: tag column, from 0; read: reads sentences from a file, column and encoding."""

    data: str
    column: int
    read: Read


def _labels(path: Path, column: int, encoding: str) -> list[TaggedSentence]:
    return read_tokens(path, tag_column=column, encoding=encoding)


def _spans(path: Path, column: int, encoding: str) -> list[TaggedSentence]:
    return read_conll(path, tag_column=column, encoding=encoding)


def _predicates(path: Path, column: int, encoding: str) -> list[TaggedSentence]:
    """Read rows `index word POS lemma roleset ...`, with comments between sentences: V for a roleset, otherwise O."""
    return [
        replace(found, tags=tuple("O" if tag == "-" else "V" for tag in found.tags))
        for found in read_tokens(path, token_column=1, tag_column=column, mark="#", encoding=encoding)
    ]


KINDS = {
    "pos": ProbeKind("ud-ewt-pos", 1, _labels),
    "chunk": ProbeKind("conll2003", 2, _spans),
    "srl": ProbeKind("ewt-srl", 4, _predicates),
}
"""`pos`: UPOS of UD-EWT (XPOS is its third column); `chunk`: the chunks of CoNLL-2003, converted to BIO; `srl`: which
tokens of the English Web Treebank are predicates in PropBank (verbs, nouns and adjectives)."""


@dataclass(frozen=True)
class TaggedTokens:
    """A split: its sentences, and all their tokens and tags in order."""

    sentences: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class ProbeTask:
    """The task of a probe. kind: `pos`, `chunk`, ..., or `tags` for a folder of the user; column: from 1."""

    kind: str
    data: str
    column: int | None
    train: TaggedTokens
    dev: TaggedTokens
    test: TaggedTokens

    @property
    def labels(self) -> tuple[str, ...]:
        """The tags of the training tokens, sorted."""
        return tuple(sorted(set(self.train.tags)))


def load_probe_task(
    what: str,
    folder: str | None = None,
    column: int | None = None,
    tokens: int | None = None,
    encoding: str = "utf-8",
) -> ProbeTask:
    """Read the data of a probe.

    what: one of `KINDS`, or a folder of column files (word first, tag last); folder: the folder of the data of a kind,
    instead of its data set in the catalog; column: tag column, from 1; tokens: approximate number of training tokens.

    Raises:
        InputError: the data does not exist, a split is missing or damaged, a column does not exist, or there is only
            one tag.
    """
    kind = KINDS.get(what)
    if kind is None and folder is not None:
        raise InputError(f"probe: only {', '.join(KINDS)} can be followed by a folder, not {what!r}")
    name = folder or (kind.data if kind else what)
    place = locate(name)
    if place is None:
        raise InputError(
            f"probe: there is no data {name!r}; name {', '.join(KINDS)}, senses or a folder of column files, and set "
            "ELMO_TASKS_DATA to the folder of the data sets"
        )
    if column is not None and column < 2:
        raise InputError(f"--column must be 2 or more (the first column is the word), not {column}")
    at = column - 1 if column is not None else kind.column if kind else -1
    read = kind.read if kind else _labels
    splits = read_folder(place.folder, lambda path: read(path, at, encoding), variant=place.variant)
    train, dev, test = (_tokens(splits.get(split), tokens if split == "train" else None) for split in SPLIT_NAMES)
    data = Path(name).name
    task = ProbeTask(what if kind else "tags", data, at + 1 if at > 0 else None, train, dev, test)
    if len(task.labels) < 2:
        raise InputError(
            f"{place.folder}: the training file has only one tag, {task.labels[0]!r}; two or more are needed"
        )
    return task


def _tokens(examples: Sequence[object], most: int | None) -> TaggedTokens:
    tagged = [example for example in examples if isinstance(example, TaggedSentence)]
    kept = [tagged[index] for index in evenly_spaced([len(example.tokens) for example in tagged], most)]
    return TaggedTokens(
        tuple(example.tokens for example in kept),
        tuple(word for example in kept for word in example.tokens),
        tuple(tag for example in kept for tag in example.tags),
    )
