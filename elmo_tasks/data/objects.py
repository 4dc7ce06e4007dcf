"""Examples from Python objects: the same as from files, from lists, pandas frames and Hugging Face data sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.object_rows import Kind, Row, is_missing, plain, rows_of
from elmo_tasks.data.reading import Note, no_note, note_joined
from elmo_tasks.data.tables import LABELS, TEXTS
from elmo_tasks.text.examples import LabelledSentence, TaggedSentence
from elmo_tasks.text.spans import convert, detect_scheme, from_io, is_io, split_tag
from elmo_tasks.text.tokeniser import split_text
from elmo_tasks.text.tokens import split_tokens

IN_MEMORY = "in-memory"
"""The data's name in a run that was trained on Python objects."""

_TOKENS = ("tokens", "words", "token", "word", "sentence", "text")
_SPANS = Kind("tokens", "tags", {"tokens": _TOKENS, "tags": ("tags", "ner_tags", "ner", "entities", "labels", "label")})
_TAGS = Kind("tokens", "tags", {"tokens": _TOKENS, "tags": ("tags", "pos_tags", "upos", "pos", "labels", "label")})
_TEXTS = Kind("text", "label", {"text": TEXTS, "label": LABELS}, {"text": ("tokens", "words")})
_DOCUMENT_START = ("-DOCSTART-",)


def read_tagged_objects(
    given: Any,
    name: str,
    columns: Mapping[str, Any] | None = None,
    note: Note = no_note,
    *,
    spans: bool = False,
) -> list[TaggedSentence]:
    """Sentences with one tag per token.

    Args:
        given: as `rows_of` takes it, with `(tokens, tags)` pairs or the columns `tokens` and `tags`. Both are lists, or
            texts with blanks between the words.
        name: what messages call it.
        columns: the names of the columns `tokens` and `tags`, if they are not usual ones.
        note: is told what was left out or changed.
        spans: the tags spell spans, in any scheme that files may have; the result is BIO.

    Raises:
        InputError: no sentences, columns that are not there, and rows with missing values, with a different number of
            tokens and tags or with numbers that have no names; the message names the row.
    """
    rows = rows_of(given, name, _SPANS if spans else _TAGS, columns or {})
    if len(rows) > 1 and all(isinstance(row.given, str) and len(split_tokens(row.given)) == 1 for row in rows):
        raise InputError(
            f"{name}: each row has one token; give one row per sentence, such as frame.groupby('sentence').agg(list)"
        )
    read = [(row.source, words := _words(row.given, row.source), _tags(row, len(words))) for row in rows]
    full = [sentence for sentence in read if sentence[1] not in ((), _DOCUMENT_START)]
    if len(full) < len(read):
        note(f"{name}: {len(read) - len(full)} of {len(read)} sentences have no words and are left out")
    if not full:
        raise InputError(f"{name}: no sentences; give at least one")
    sources, tokens = [source for source, _, _ in full], [words for _, words, _ in full]
    tags = [own for _, _, own in full]
    return [
        TaggedSentence(words, own, source=source)
        for words, own, source in zip(
            _joined(tokens, sources, note), _to_bio(tags, sources) if spans else tags, sources, strict=True
        )
    ]


def read_labelled_objects(
    given: Any, name: str, columns: Mapping[str, Any] | None = None, note: Note = no_note
) -> list[LabelledSentence]:
    """Texts with one label each.

    The package's tokeniser splits a text, as it splits those that a run is applied to; lists of tokens stay as they
    are. The arguments and errors are those of `read_tagged_objects`, with `(text, label)` pairs or the columns `text`
    and `label`.
    """
    rows = rows_of(given, name, _TEXTS, columns or {})
    if not rows:
        raise InputError(f"{name}: no texts; give at least one")
    sources = [row.source for row in rows]
    tokens = [_words(row.given, row.source, raw=True) for row in rows]
    for words, source in zip(tokens, sources, strict=True):
        if not words:
            raise InputError(f"{source}: the text is empty; leave it out")
    return [
        LabelledSentence(words, _label(row), row.source)
        for row, words in zip(rows, _joined(tokens, sources, note), strict=True)
    ]


def name_tags(tags: Sequence[Any], names: Sequence[str] | None, source: str) -> tuple[str, ...]:
    """The tags of a sentence as texts; whole numbers become the names at these places.

    Raises:
        InputError: a tag that is no text, or a number without a name.
    """
    return tuple(tag if isinstance(tag, str) and tag else _named(tag, names, "tag", source) for tag in tags)


def raw_tokens(text: str) -> tuple[str, ...]:
    """The tokens of all sentences of a raw text."""
    return tuple(token.text for sentence in split_text(text) for token in sentence.tokens)


def check_token(token: str, source: str) -> None:
    """Raises InputError for a token that the files of a run cannot hold: one word per line, in UTF-8."""
    if "\n" in token or "\r" in token:
        raise InputError(f"{source}: the token {token!r:.60} has a line break in it; split it there")
    try:
        token.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{source}: the token {token!r:.60} has half of a surrogate pair, as a cut emoji leaves it; remove it"
        ) from None


def _words(given: Any, source: str, *, raw: bool = False) -> tuple[str, ...]:
    words = raw_tokens(given) if raw and isinstance(given, str) else sequence_of(given, "words", source)
    for word in words:
        if not isinstance(word, str) or not word.strip():
            raise InputError(f"{source}: expected words as tokens, got {quoted(word)}")
        check_token(word, source)
    return words


def _tags(row: Row, count: int) -> tuple[str, ...]:
    tags = sequence_of(row.gold, "tags", row.source)
    if len(tags) != count:
        raise InputError(f"{row.source}: {count} tokens but {len(tags)} tags; give one tag per token")
    found = name_tags(tags, row.names, row.source)
    for tag in found:
        if split_tokens(tag) != (tag,):
            raise InputError(f"{row.source}: expected tags without blanks, got {quoted(tag)}")
        check_token(tag, row.source)
    return found


def _label(row: Row) -> str:
    label = plain(row.gold)
    if is_missing(label):
        raise InputError(f"{row.source}: the label is missing ({label}); leave such rows out")
    if row.names is not None and not isinstance(label, str):
        return _named(label, row.names, "label", row.source)
    if isinstance(label, float) and label.is_integer():  # a frame has them where one of its labels was missing
        label = int(label)
    if not isinstance(label, (str, int)) or not (text := " ".join(split_tokens(str(label)))):
        raise InputError(f"{row.source}: expected a label that is a text or a whole number, got {quoted(label)}")
    check_token(text, row.source)
    return text


def _named(value: Any, names: Sequence[str] | None, what: str, source: str) -> str:
    value = plain(value)
    if is_missing(value):
        raise InputError(f"{source}: a {what} is missing ({value}); leave such rows out")
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{source}: expected a {what} that is a text, got {quoted(value)}")
    if names is None:
        raise InputError(
            f"{source}: the {what}s are numbers without names (the first is {value}); give texts such as B-PER, or a "
            "Hugging Face data set whose ClassLabel has the names"
        )
    if not 0 <= value < len(names):
        raise InputError(f"{source}: the {what} {value} has no name; the {len(names)} names are numbered from 0")
    return names[value]


def sequence_of(value: Any, what: str, source: str) -> tuple[Any, ...]:
    """A list's items, or the words of a text. Raises InputError for anything else, such as NaN."""
    value = plain(value)
    if is_missing(value):
        raise InputError(f"{source}: the {what} are missing ({value}); leave such rows out")
    if isinstance(value, str):
        return split_tokens(value)
    if isinstance(value, (bytes, Mapping)) or not isinstance(value, Iterable):
        raise InputError(f"{source}: expected a list of {what}, got {quoted(value)}")
    return tuple(value)


def _joined(sentences: Sequence[tuple[str, ...]], sources: Sequence[str], note: Note) -> list[tuple[str, ...]]:
    """Tokens may hold a blank, which becomes a no-break space: the files that we write have blanks between columns."""
    odd = [
        (source, token)
        for source, tokens in zip(sources, sentences, strict=True)
        for token in tokens
        if split_tokens(token) != (token,)
    ]
    if not odd:
        return list(sentences)
    note_joined(*odd[0], len(odd), note)
    return [tuple("\u00a0".join(split_tokens(token)) for token in tokens) for tokens in sentences]


def _to_bio(sequences: Sequence[tuple[str, ...]], sources: Sequence[str]) -> list[tuple[str, ...]]:
    """Spans in any scheme as BIO. Raises InputError for tags that spell no spans."""
    if is_io({tag for tags in sequences for tag in tags}):
        sequences = [tuple(from_io(tags)) for tags in sequences]
    for source, tags in zip(sources, sequences, strict=True):
        for tag in tags:
            try:
                split_tag(tag, source)
            except InputError as error:
                raise InputError(f"{error}; for one label per token use the task tagging") from None
    scheme = detect_scheme(sequences)
    return [convert(tags, scheme, "BIO", source) for source, tags in zip(sources, sequences, strict=True)]
