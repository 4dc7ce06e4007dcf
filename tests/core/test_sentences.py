"""A string where a list of tokens belongs is an error of one line, whichever function gets it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.sentences import checked_sentence, checked_sentences
from elmo_tasks.elmo import BiLM, BilmOptions, ElmoEmbedder, Engine, batch_to_ids
from elmo_tasks.elmo.tfhub import Module
from elmo_tasks.embedders.chars import CharsInput
from elmo_tasks.embedders.inputs import FrozenInput, WordInput
from elmo_tasks.embedders.random import RandomEmbedder
from elmo_tasks.embedders.words.vectors import StaticEmbedder, WordVectors
from elmo_tasks.integrations.sklearn import ElmoVectorizer

TINY = BilmOptions(char_dim=3, filters=((1, 4),), n_highway=1, cell_dim=4, projection_dim=3)


def words() -> WordVectors:
    return WordVectors({"the": 0}, torch.ones(1, 2), "words.txt")


def cached() -> Any:
    import tempfile
    from pathlib import Path

    from elmo_tasks.embedders.cache.cached import CachedEmbedder

    return CachedEmbedder(RandomEmbedder(), Path(tempfile.mkdtemp()))


def shared() -> Any:
    from elmo_tasks.demo.shared_embedder import SharedEmbedder

    return SharedEmbedder(RandomEmbedder())


BATCHES: dict[str, Callable[[], Callable[[Any], Any]]] = {
    "Engine.embed": lambda: Engine(BiLM(TINY)).embed,
    "batch_to_ids": lambda: batch_to_ids,
    "ElmoEmbedder.embed_batch": lambda: ElmoEmbedder().embed_batch,
    "ElmoEmbedder.batch_to_embeddings": lambda: ElmoEmbedder().batch_to_embeddings,
    "ElmoEmbedder.embed_sentences": lambda: lambda given: list(ElmoEmbedder().embed_sentences(given)),
    "RandomEmbedder.embed": lambda: RandomEmbedder().embed,
    "StaticEmbedder.embed": lambda: StaticEmbedder(words()).embed,
    "CachedEmbedder.embed": lambda: cached().embed,
    "SharedEmbedder.embed": lambda: shared().embed,
    "FrozenInput.prepare": lambda: FrozenInput(RandomEmbedder()).prepare,
    "WordInput.prepare": lambda: WordInput("glove", words()).prepare,
    "CharsInput.prepare": lambda: CharsInput().prepare,
}


@pytest.mark.parametrize("name", BATCHES)
def test_a_string_is_no_list_of_tokens(name: str) -> None:
    embed = BATCHES[name]()
    with pytest.raises(
        InputError, match=r"\[1\]: must be a list of tokens, such as .*, not a string: 'The dog barked.'"
    ) as told:
        embed([["fine"], "The dog barked."])
    assert "\n" not in str(told.value)
    with pytest.raises(InputError, match="must be a list of token lists, such as .*, not a string: 'The dog barked.'"):
        embed("The dog barked.")
    with pytest.raises(InputError, match=r"\[0\]: the token 7 is not a string"):
        embed([["a", 7]])
    embed([])
    embed([["the", "dog"], [], ["barked"]])


def test_one_sentence() -> None:
    with pytest.raises(
        InputError, match="sentence must be a list of tokens, such as .*, not a string: 'The dog barked.'"
    ):
        ElmoEmbedder().embed_sentence("The dog barked.")  # type: ignore[arg-type]
    assert checked_sentence(()) == ()


def test_tokens_of_tfhub() -> None:
    with pytest.raises(InputError, match="not a string: 'ab'"):
        Module().embed_tokens(["ab", "cd"], [2, 2])


def test_a_text_alone_is_no_column_of_texts() -> None:
    with pytest.raises(InputError, match="X must be a list of texts or of token lists, not one str"):
        ElmoVectorizer().transform("The dog barked.")


def test_whatever_has_tokens_will_do() -> None:
    given = [("a", "b"), np.array(["c"]), [], ["d"]]
    assert [list(tokens) for tokens in checked_sentences(iter(given))] == [["a", "b"], ["c"], [], ["d"]]
    with pytest.raises(InputError, match=r"sentences\[0\]: must be a list of tokens, not 3"):
        checked_sentences([3])  # type: ignore[list-item]
