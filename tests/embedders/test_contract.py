"""What every embedder promises, cached or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.embedders.cache.cached import CachedEmbedder
from elmo_tasks.embedders.elmo import BilmEmbedder
from elmo_tasks.embedders.protocol import Embedder
from elmo_tasks.embedders.random import RandomEmbedder
from elmo_tasks.embedders.transformer.embedder import TransformerEmbedder
from elmo_tasks.embedders.words.load import load_word_vectors
from elmo_tasks.embedders.words.vectors import StaticEmbedder

FIXTURES = Path(__file__).parent / "fixtures"
SENTENCES = [
    ["The", "cat", "sat", "."],
    ["A"],
    [],
    ["\U0001f600", "", "ab" * 250, "naïve", "\ud800", "\u00ad"],
    ["The", "dog"],
    ["cats", "naïve", "."] * 20,  # more pieces than the transformer has positions
]


def bilm_file(folder: Path, seed: int = 0) -> str:
    torch.manual_seed(seed)
    options = BilmOptions(char_dim=4, filters=((1, 4), (3, 8)), n_highway=1, cell_dim=16, projection_dim=6)
    path = folder / f"bilm{seed}.safetensors"
    write_safetensors(BiLM(options), path)
    return str(path)


def glove_file(folder: Path, value: str = "0.5") -> Path:
    path = folder / f"glove{value}.txt"
    path.write_text(f"the 1 2 3\ncat -1 {value} 0\n. . 4 5 6\n")
    return path


KINDS = ("words", "fasttext", "random", "elmo", "transformer first", "transformer mean")


@pytest.fixture(params=[f"{kind}{cached}" for kind in KINDS for cached in ("", ", cached")])
def embedder(request: pytest.FixtureRequest, tmp_path: Path, encoder: str) -> Embedder:
    made: dict[str, Callable[[], Embedder]] = {
        "words": lambda: StaticEmbedder(load_word_vectors(glove_file(tmp_path))),
        "fasttext": lambda: StaticEmbedder(load_word_vectors(FIXTURES / "fasttext-subwords.bin")),
        "random": lambda: RandomEmbedder(7),
        "elmo": lambda: BilmEmbedder(bilm_file(tmp_path), precision="exact"),
        "transformer first": lambda: TransformerEmbedder(encoder, pooling="first"),
        "transformer mean": lambda: TransformerEmbedder(encoder, pooling="mean"),
    }
    kind, comma, _ = request.param.partition(", ")
    return CachedEmbedder(made[kind](), tmp_path / "cache") if comma else made[kind]()


def test_shapes_and_no_gradient(embedder: Embedder) -> None:
    for words, vectors in zip(SENTENCES, embedder.embed(SENTENCES), strict=True):
        assert vectors.shape == (embedder.n_layers, len(words), embedder.width)
        assert vectors.dtype == torch.float32 and not vectors.requires_grad
        assert torch.isfinite(vectors).all()


def test_a_sentence_stands_alone(embedder: Embedder) -> None:
    together = embedder.embed(SENTENCES)
    backwards = embedder.embed(SENTENCES[::-1])[::-1]
    for index, words in enumerate(SENTENCES):
        (alone,) = embedder.embed([words])
        torch.testing.assert_close(together[index], alone, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(together[index], backwards[index], rtol=1e-6, atol=1e-6)


def test_nothing_to_embed(embedder: Embedder) -> None:
    assert embedder.embed([]) == []


def test_the_token_budget_does_not_matter(tmp_path: Path) -> None:
    path = bilm_file(tmp_path)
    small, large = (BilmEmbedder(path, token_budget=budget, precision="exact") for budget in (1, None))
    for mine, other in zip(small.embed(SENTENCES), large.embed(SENTENCES), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-6, atol=1e-6)


def test_fingerprints_follow_the_weights(tmp_path: Path, encoder: str) -> None:
    found = [
        StaticEmbedder(load_word_vectors(glove_file(tmp_path))).fingerprint,
        StaticEmbedder(load_word_vectors(glove_file(tmp_path, "0.25"))).fingerprint,
        *(StaticEmbedder(load_word_vectors(path)).fingerprint for path in sorted(FIXTURES.glob("*.bin"))),
        RandomEmbedder(7).fingerprint,
        RandomEmbedder(8).fingerprint,
        BilmEmbedder(bilm_file(tmp_path, 0)).fingerprint,
        BilmEmbedder(bilm_file(tmp_path, 1)).fingerprint,
        TransformerEmbedder(encoder).fingerprint,
        TransformerEmbedder(encoder, pooling="first").fingerprint,
    ]
    assert len(set(found)) == len(found)
    assert BilmEmbedder(bilm_file(tmp_path, 0)).fingerprint in found
