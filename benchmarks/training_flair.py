"""Flair's tagger as a contestant of `training.py`; runs in an interpreter that has Flair.

    python benchmarks/training_flair.py FILE.pt

FILE has sentences as (tokens, spans, vectors (T, D)); each line of the input is a number of batches to train on.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from typing import Any

import flair
import torch
from flair.data import Dictionary, Sentence
from flair.embeddings import StackedEmbeddings, TokenEmbeddings
from flair.models import SequenceTagger


class Stored(TokenEmbeddings):
    """Frozen vectors that are already with the tokens, under this name."""

    def __init__(self, name: str, width: int) -> None:
        super().__init__()
        self.name, self.width, self.static_embeddings = name, width, True
        self.__embedding_type = "word-level"

    @property
    def embedding_length(self) -> int:
        return self.width

    @property
    def embedding_type(self) -> str:
        return self.__embedding_type

    def _add_embeddings_internal(self, sentences: list[Sentence]) -> list[Sentence]:
        return sentences


def main() -> None:
    flair.device = torch.device("cpu")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Flair logs to stdout
    settings = torch.load(sys.argv[1], weights_only=False)
    width, sentences = settings["width"], []
    stored = Stored("stored", width)
    stacked = StackedEmbeddings([stored])  # gives it another name
    labels = Dictionary(add_unk=False)
    labels.span_labels = True
    for tokens, spans, vectors in settings["sentences"]:
        sentence = Sentence(tokens)
        for token, vector in zip(sentence, vectors, strict=True):
            token.set_embedding(stored.name, vector)
        for label, first, stop in spans:
            sentence[first:stop].add_label("ner", label)
            labels.add_item(label)
        sentences.append(sentence)
    tagger = SequenceTagger(
        stacked,
        labels,
        "ner",
        hidden_size=settings["hidden"],
        rnn_layers=settings["layers"],
        dropout=settings["dropout"],
        word_dropout=0.0,
        locked_dropout=0.0,
        reproject_embeddings=False,
        use_crf=True,
        tag_format="BIOES",
    )
    optimizer = torch.optim.Adam(tagger.parameters(), lr=settings["learning_rate"])
    # Batches of sentences of similar length, as in the other contestants.
    order = sorted(range(len(sentences)), key=lambda number: len(sentences[number]))
    batches = [order[start : start + settings["batch_size"]] for start in range(0, len(order), settings["batch_size"])]
    random.Random(1).shuffle(batches)
    at = 0
    tagger.train()
    for line in sys.stdin:
        tokens, cpu, wall = 0, time.process_time(), time.perf_counter()
        for _ in range(int(line)):
            chosen: list[Any] = [sentences[number] for number in batches[at % len(batches)]]
            at += 1
            optimizer.zero_grad()
            loss, _ = tagger.forward_loss(chosen)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(tagger.parameters(), settings["clip_norm"])
            optimizer.step()
            tokens += sum(map(len, chosen))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        print(json.dumps({"tokens_per_second": tokens / wall, "cpu_us": 1e6 * cpu / tokens}), file=answers, flush=True)


if __name__ == "__main__":
    main()
