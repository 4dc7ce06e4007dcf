"""The frozen biLM at the machine's speed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.engine.layer import Direction, cell_step
from elmo_tasks.elmo.engine.packing import Packing
from elmo_tasks.elmo.engine.precision import resolve
from elmo_tasks.elmo.engine.products import maker
from elmo_tasks.elmo.engine.words import WordEncoder, WordTable
from elmo_tasks.elmo.lstm import ProjectedLstm
from elmo_tasks.errors import InputError

TOKEN_BUDGET = 8192
STREAMS = 128
WORD_TABLE = 1 << 15


class Engine:
    """Sentences in, all layers of a frozen biLM out: what `BiLM` computes, many times faster.

    The weights are copied and laid out for the hardware; changes to `bilm` after that are not seen. Memory beyond the
    weights is bounded by the token budget, or by the longest sentence where that is longer.

    Args:
        bilm: the model.
        precision: `exact`, `fast`, `int8` or `auto`, see `elmo_tasks.elmo.engine.precision.resolve`.
        token_budget: most tokens in a batch, sentence boundaries counted; a longer sentence is a batch of its own.
        word_table: how many words' vectors are kept from call to call.
        device: where to compute; the vectors come back to the CPU.
        compile: fuse the element-wise parts with `torch.compile`, where there is a C++ compiler.

    Raises:
        InputError: an unknown precision, one that this machine has not, or a budget of less than 1.
    """

    def __init__(
        self,
        bilm: BiLM,
        *,
        precision: str = "auto",
        token_budget: int = TOKEN_BUDGET,
        word_table: int = WORD_TABLE,
        device: str | torch.device = "cpu",
        compile: bool = False,
    ) -> None:
        if token_budget < 1 or word_table < 0:
            raise InputError(
                f"expected a token_budget of 1 or more and a word_table of 0 or more, got {token_budget}, {word_table}"
            )
        self.device = torch.device(device)
        self.precision = resolve(precision, self.device)
        self.token_budget = token_budget
        self.options, self.n_layers, self.width = bilm.options, bilm.n_layers, bilm.width
        make = maker(self.precision, self.device)
        with torch.no_grad():
            self.words = WordTable(WordEncoder(bilm.token_encoder, make, self.device), word_table)
            self._layers: list[tuple[Direction, Direction]] = []
            begin, end = self.words.lookup(["<S>", "</S>"]).tensor_split(2)  # (1, P) each
            for index, (ahead, behind) in enumerate(zip(bilm.forward_layers, bilm.backward_layers, strict=True)):
                assert isinstance(ahead, ProjectedLstm) and isinstance(behind, ProjectedLstm)
                forward = Direction(ahead, make, cell_step, begin)
                backward = Direction(behind, make, cell_step, end)
                begin = self._residual(index, begin, forward.first_hidden)
                end = self._residual(index, end, backward.first_hidden)
                self._layers.append((forward, backward))

    @torch.no_grad()
    def embed(self, sentences: Sequence[Sequence[str]]) -> list[Tensor]:
        """One (L, T, D) float32 tensor a sentence, on the CPU. L counts layer 0, the word vector twice."""
        lengths = [len(words) for words in sentences]
        found = {index: torch.empty(self.n_layers, 0, self.width) for index, length in enumerate(lengths) if not length}
        for batch in self._batches(lengths):
            found.update(zip(batch, self._embed([sentences[index] for index in batch]), strict=True))
        return [found[index] for index in range(len(sentences))]

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Indices of sentences that are not empty, cut where a batch would grow beyond the budget."""
        batch: list[int] = []
        tokens = 0
        for index, length in enumerate(lengths):
            if batch and tokens + length > self.token_budget:
                yield batch
                batch, tokens = [], 0
            if length:
                batch.append(index)
                tokens += length
        if batch:
            yield batch

    def _embed(self, sentences: Sequence[Sequence[str]]) -> list[Tensor]:
        """sentences: none empty."""
        lengths = [len(words) for words in sentences]
        packing = Packing.of(lengths, STREAMS)
        numbers: dict[str, int] = {}
        tokens = torch.tensor([numbers.setdefault(word, len(numbers)) for words in sentences for word in words])  # (N,)
        vectors = self.words.lookup(list(numbers))[tokens]  # (N, P)
        ahead, behind = torch.empty_like(vectors), torch.empty_like(vectors)
        ahead[packing.ahead], behind[packing.behind] = vectors, vectors
        width = self.width // 2
        out = torch.empty(self.n_layers, len(tokens), self.width)
        out[0, :, :width], out[0, :, width:] = vectors, vectors
        for index, (forward, backward) in enumerate(self._layers):
            ahead = self._residual(index, ahead, forward(ahead, packing))
            behind = self._residual(index, behind, backward(behind, packing))
            out[index + 1, :, :width], out[index + 1, :, width:] = ahead[packing.ahead], behind[packing.behind]
        return [part.clone() for part in torch.split(out, lengths, dim=1)]  # (L, T, D) each

    def _residual(self, layer: int, x: Tensor, out: Tensor) -> Tensor:
        """What a layer (counted from 0) passes on: x, out: (N, P) -> (N, P) float32."""
        return x + out if self.options.skip_connections and layer > 0 else out.float()
