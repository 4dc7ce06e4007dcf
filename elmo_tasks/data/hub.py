"""Data sets from the Hugging Face hub: CoNLL-2003 and the Stanford Sentiment Treebank.

`conll2003` and `sst` are script data sets, which `datasets` has refused since 4.0. Their parquet conversions on the hub
(revision `refs/convert/parquet`) and mirrors still load.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.splits import Splits
from elmo_tasks.text.examples import Example, LabelledSentence, TaggedSentence
from elmo_tasks.text.spans import convert, detect_scheme
from elmo_tasks.text.tokens import split_tokens

# The order of the labels in `conll2003`, for mirrors without label names.
CONLL2003_TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC")
HUB_SPLITS = {"train": "train", "dev": "validation", "test": "test"}

Load = Callable[..., Any]


@dataclass(frozen=True)
class Source:
    """A repository on the hub; read: converts a split's `datasets.Dataset`, given a name for its rows, to examples."""

    repository: str
    revision: str | None
    read: Callable[[Any, str], Iterable[Example]]


def load_conll2003(load: Load | None = None) -> Splits:
    """Load CoNLL-2003; all sources have `tokens` and `ner_tags` (IOB2). See `load_first`."""
    sources = [
        Source("eriktks/conll2003", "refs/convert/parquet", read_tagged),
        Source("tomaarsen/conll2003", None, read_tagged),
    ]
    advice = "put eng.train, eng.testa and eng.testb into a folder conll2003"
    return load_first("conll2003", sources, advice, load)


def load_sst2(load: Load | None = None) -> Splits:
    """Load SST with two classes, without the neutral sentences. See `load_first`.

    GLUE's `sst2` is not one of the sources: its test labels are hidden, and it trains on phrases.
    """
    return _load_sst("sst2", "binary", 2, load)


def load_sst5(load: Load | None = None) -> Splits:
    """Load SST with five classes. See `load_first`."""
    return _load_sst("sst5", "fine", 5, load)


def _load_sst(name: str, variant: str, classes: int, load: Load | None) -> Splits:
    sources = [
        Source(f"SetFit/{name}", None, read_classified),
        Source("stanfordnlp/sst", "refs/convert/parquet", partial(read_graded, classes=classes)),
    ]
    return load_first(name, sources, f"put stsa.{variant}.train, .dev and .test into a folder sst", load)


def load_first(name: str, sources: Sequence[Source], advice: str, load: Load | None = None) -> Splits:
    """Download and read the first available source; `datasets` caches the download.

    load: replaces `datasets.load_dataset`; advice: which folder to make when the hub is unreachable.

    Raises:
        InputError: no source can be reached, or none is complete; the message says which folder to make instead.
    """
    if load is None:
        from datasets import load_dataset

        load = load_dataset
        logging.getLogger("huggingface_hub").setLevel(
            logging.ERROR
        )  # hides its retries; the error itself is reported below
    faults = []
    for source in sources:
        try:
            found: Mapping[str, Any] = load(source.repository, revision=source.revision)
            splits = Splits(name=name, origin=f"hub:{source.repository}")
            for split, theirs in HUB_SPLITS.items():
                splits = splits.having(split, tuple(source.read(found[theirs], f"{source.repository}/{theirs}")))
            return splits
        except ConnectionError:
            faults.append("no connection")
            break  # a mirror is on the same hub
        except InputError as error:
            faults.append(str(error))
        except Exception as error:  # any other hub or parquet error; all end in the one message below
            faults.append(f"{source.repository}: {type(error).__name__}")
    raise InputError(
        f"{name}: not in $ELMO_TASKS_DATA and not available from the hub ({'; '.join(faults)}); {advice}, "
        "and set ELMO_TASKS_DATA to its parent or pass it as --data"
    )


def read_tagged(rows: Any, name: str) -> Iterable[TaggedSentence]:
    """Sentences of a `datasets.Dataset` with the columns `tokens` and `ner_tags`, without document marks."""
    feature = rows.features["ner_tags"]
    inner = getattr(feature, "feature", feature)
    names = tuple(getattr(inner, "names", None) or CONLL2003_TAGS)
    sentences = [
        (number, tuple(row["tokens"]), [tag if isinstance(tag, str) else names[tag] for tag in row["ner_tags"]])
        for number, row in enumerate(rows)
        if row["tokens"] and tuple(row["tokens"]) != ("-DOCSTART-",)
    ]
    scheme = detect_scheme(tags for _, _, tags in sentences)
    for number, tokens, tags in sentences:
        source = f"{name}:{number}"
        yield TaggedSentence(tokens, convert(tags, scheme, "BIO", source), source=source)


def read_classified(rows: Any, name: str) -> Iterable[LabelledSentence]:
    """Sentences of a `datasets.Dataset` with the columns `text` (tokenised) and `label` (a number)."""
    for number, row in enumerate(rows):
        yield _labelled(split_tokens(row["text"]), row["label"], f"{name}:{number}")


def read_graded(rows: Any, name: str, classes: int) -> Iterable[LabelledSentence]:
    """Sentences of `stanfordnlp/sst`: `tokens` separated by `|`, and a sentiment from 0 to 1 as `label`.

    Five classes divide that range into five equal parts, each including its upper bound; two classes merge the outer
    pairs and leave out the middle one (Socher et al. 2013, and the README of the treebank).
    """
    for number, row in enumerate(rows):
        grade = min(4, max(0, math.ceil(5 * row["label"] - 1e-6) - 1))  # the bounds are stored as 32-bit floats
        if classes == 2 and grade == 2:
            continue
        label = grade if classes == 5 else int(grade > 2)
        yield _labelled(tuple(row["tokens"].split("|")), label, f"{name}:{number}")


def _labelled(tokens: tuple[str, ...], label: int, source: str) -> LabelledSentence:
    """Raises InputError for a row without text, as for a line of a file."""
    if not any(token.strip() for token in tokens):
        raise InputError(f"{source}: the text of this row is empty")
    return LabelledSentence(tokens, str(label), source)
