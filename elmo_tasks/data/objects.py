"""Examples from Python objects (lists, pandas frames, Hugging Face data sets), equal to those read from files."""

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
"""The name of the data set in a run trained on Python objects."""

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
    """Convert Python objects to sentences with one tag per token.

    Args:
        given: anything that `rows_of` accepts, with `(tokens, tags)` pairs or the columns `tokens` and `tags`. Both are
            lists, or texts with spaces between the words.
        name: its name in messages.
        columns: the names of the columns `tokens` and `tags`, if they are not common ones.
        note: receives a line about anything that was left out or changed.
        spans: whether the tags encode spans, in any scheme that files may use; the result is BIO.

    Raises:
        InputError: there are no sentences, a column is missing, or a row has missing values, different numbers of
            tokens and tags, or numbers without names; the message names the row.
    """
    rows = rows_of(given, name, _SPANS if spans else _TAGS, columns or {})
    if len(rows) > 1 and all(isinstance(row.given, str) and len(split_tokens(row.given)) == 1 for row in rows):
        raise InputError(
            f"{name}: each row has only one token; give one row per sentence, for example by "
            "frame.groupby('sentence').agg(list)"
        )
    read = [(row.source, words := words_of(row.given, row.source), _tags(row, len(words))) for row in rows]
    full = [sentence for sentence in read if sentence[1] not in ((), _DOCUMENT_START)]
    if len(full) < len(read):
        note(f"{name}: left out {len(read) - len(full)} of {len(read)} sentences, which have no words")
    if not full:
        raise InputError(f"{name}: there are no sentences; give at least one")
    sources, tokens = [source for source, _, _ in full], [words for _, words, _ in full]
    tags = [own for _, _, own in full]
    return [
        TaggedSentence(words, own, source=source)
        for words, own, source in zip(
            joined_words(tokens, sources, note), _to_bio(tags, sources) if spans else tags, sources, strict=True
        )
    ]


def read_labelled_objects(
    given: Any, name: str, columns: Mapping[str, Any] | None = None, note: Note = no_note
) -> list[LabelledSentence]:
    """Convert Python objects to texts with one label each.

    Texts are split by the package's tokeniser, just as a run splits the texts that it is applied to; lists of tokens
    are not changed. The arguments and errors are those of `read_tagged_objects`, with `(text, label)` pairs or the
    columns `text` and `label`.
    """
    rows = rows_of(given, name, _TEXTS, columns or {})
    if not rows:
        raise InputError(f"{name}: there are no texts; give at least one")
    sources = [row.source for row in rows]
    tokens = [words_of(row.given, row.source, raw=True) for row in rows]
    for words, source in zip(tokens, sources, strict=True):
        if not words:
            raise InputError(f"{source}: the text is empty; leave out this row")
    return [
        LabelledSentence(words, label_of(row), row.source)
        for row, words in zip(rows, joined_words(tokens, sources, note), strict=True)
    ]


def name_tags(tags: Sequence[Any], names: Sequence[str] | None, source: str) -> tuple[str, ...]:
    """Return the tags of a sentence as strings; integers are replaced by the names at these indices.

    Raises:
        InputError: a tag is not a string, or a number has no name.
    """
    return tuple(tag if isinstance(tag, str) and tag else _named(tag, names, "tag", source) for tag in tags)


def raw_tokens(text: str) -> tuple[str, ...]:
    """Tokenise a raw text, across its sentences."""
    return tuple(token.text for sentence in split_text(text) for token in sentence.tokens)


def check_token(token: str, source: str) -> None:
    """Raises InputError for a token that the files of a run (one word per line, UTF-8) cannot store."""
    if "\n" in token or "\r" in token:
        raise InputError(f"{source}: the token {token!r:.60} contains a line break; split it there")
    try:
        token.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{source}: the token {token!r:.60} contains half of a surrogate pair, left by a cut emoji; remove it"
        ) from None


def words_of(given: Any, source: str, *, raw: bool = False) -> tuple[str, ...]:
    """Return the words of a text or list. raw: tokenise a text. Raises InputError if they are not words."""
    words = raw_tokens(given) if raw and isinstance(given, str) else sequence_of(given, "words", source)
    for word in words:
        if not isinstance(word, str) or not word.strip():
            raise InputError(f"{source}: tokens must be words, not {quoted(word)}")
        check_token(word, source)
    return words


def _tags(row: Row, count: int) -> tuple[str, ...]:
    tags = sequence_of(row.gold, "tags", row.source)
    if len(tags) != count:
        raise InputError(f"{row.source}: {count} tokens but {len(tags)} tags; give one tag per token")
    found = name_tags(tags, row.names, row.source)
    for tag in found:
        if split_tokens(tag) != (tag,):
            raise InputError(f"{row.source}: a tag must not contain spaces or be empty: {quoted(tag)}")
        check_token(tag, row.source)
    return found


def label_of(row: Row) -> str:
    """Return the label of a row as text. Raises InputError if it is missing, or neither text nor a whole number."""
    label = plain(row.gold)
    if is_missing(label):
        raise InputError(f"{row.source}: the label is missing ({label}); leave out such rows")
    if row.names is not None and not isinstance(label, str):
        return _named(label, row.names, "label", row.source)
    if isinstance(label, float) and label.is_integer():  # pandas converts integers if one of the labels is missing
        label = int(label)
    if not isinstance(label, (str, int)) or not (text := " ".join(split_tokens(str(label)))):
        raise InputError(f"{row.source}: the label must be text or a whole number, not {quoted(label)}")
    check_token(text, row.source)
    return text


def _named(value: Any, names: Sequence[str] | None, what: str, source: str) -> str:
    value = plain(value)
    if is_missing(value):
        raise InputError(f"{source}: a {what} is missing ({value}); leave out such rows")
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{source}: a {what} must be text, not {quoted(value)}")
    if names is None:
        raise InputError(
            f"{source}: the {what}s are numbers without names (the first is {value}); give names such as B-PER, or a "
            "Hugging Face data set whose ClassLabel has the names"
        )
    if not 0 <= value < len(names):
        raise InputError(f"{source}: the {what} {value} has no name; there are {len(names)} names, numbered from 0")
    return names[value]


def sequence_of(value: Any, what: str, source: str) -> tuple[Any, ...]:
    """Return the items of a list, or the words of a text. Raises InputError for anything else, such as NaN."""
    value = plain(value)
    if is_missing(value):
        raise InputError(f"{source}: the {what} are missing ({value}); leave out such rows")
    if isinstance(value, str):
        return split_tokens(value)
    if isinstance(value, (bytes, Mapping)) or not isinstance(value, Iterable):
        raise InputError(f"{source}: the {what} must be a list, not {quoted(value)}")
    return tuple(value)


def joined_words(sentences: Sequence[tuple[str, ...]], sources: Sequence[str], note: Note) -> list[tuple[str, ...]]:
    """Replace spaces inside tokens by no-break spaces: the files that we write separate columns with spaces."""
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
    """Convert spans in any scheme to BIO. Raises InputError for tags that do not encode spans."""
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
