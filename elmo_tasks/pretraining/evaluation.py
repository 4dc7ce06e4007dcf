"""Evaluate a pre-trained folder on a text: perplexity, surprisal, and the perplexity of a trigram model."""

from __future__ import annotations

import itertools
import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.pretraining.bilm_folder import VOCABULARY, bilm_folder, read_language_model, read_vocabulary
from elmo_tasks.pretraining.corpus import corpus_files, encode_corpus, read_sentences
from elmo_tasks.pretraining.perplexity import Perplexity, perplexity, surprisals
from elmo_tasks.pretraining.trigram import trigram_perplexity


def evaluate_bilm(name: str, text: Path, encoding: str = "utf-8") -> Perplexity:
    """Perplexity of a biLM folder on a text file. Raises InputError if the file contains no words."""
    found = perplexity(read_language_model(name).moved(), read_sentences(text, encoding))
    if math.isnan(found.mean):
        raise InputError(f"{text}: contains no words; it must have tokenised sentences, one per line")
    return found


def evaluate_trigram(name: str, text: Path, corpus: Sequence[str], encoding: str = "utf-8") -> float:
    """Perplexity of a trigram model over the vocabulary of a biLM folder, with counts from the files of `corpus`."""
    vocabulary = read_vocabulary(bilm_folder(name) / VOCABULARY)
    with tempfile.TemporaryDirectory() as scratch:
        counted = encode_corpus(corpus_files(corpus), Path(scratch) / "corpus", encoding)
        return trigram_perplexity(counted, vocabulary, read_sentences(text, encoding))


def surprisal_lines(name: str, text: Path, encoding: str = "utf-8") -> Iterator[dict[str, Any]]:
    """Words and surprisals of each sentence, in bits: given the left context in `forward`, the right in `backward`.

    `forward_end` is the surprisal of `</S>` after the last word, `backward_begin` that of `<S>` before the first.
    """
    model = read_language_model(name).moved()
    sentences, written = itertools.tee(read_sentences(text, encoding))  # a stream, read one batch ahead of the results
    for words, nats in zip(written, surprisals(model, sentences), strict=True):
        forward, backward = (nats / math.log(2)).tolist()  # w1 .. wn </S>, <S> w1 .. wn
        yield {
            "tokens": words,
            "forward": forward[:-1],
            "backward": backward[1:],
            "forward_end": forward[-1],
            "backward_begin": backward[0],
        }
