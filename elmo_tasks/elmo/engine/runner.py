"""The frozen biLM at the machine's speed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.engine.layer import Direction, cell_step
from elmo_tasks.elmo.engine.packing import Packing
from elmo_tasks.elmo.engine.precision import resolve
from elmo_tasks.elmo.engine.products import Maker, maker
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
            begin, end = self.words.lookup(["<S>", "</S>"]).tensor_split(2)  # (1, P) each
            self._ahead = self._directions(bilm.forward_layers, begin, make)
            self._behind = self._directions(bilm.backward_layers, end, make)

    def _directions(self, lstms: Iterable[nn.Module], boundary: Tensor, make: Maker) -> list[Direction]:
        """The layers of one direction, from the vector (1, P) of the boundary that it reads first."""
        directions: list[Direction] = []
        for lstm in lstms:
            assert isinstance(lstm, ProjectedLstm)
            directions.append(Direction(lstm, make, cell_step, boundary))
            boundary = self._next(boundary, directions[-1].first_hidden.float(), len(directions) - 1)
        return directions

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
        vectors = self.words.lookup(list(numbers))  # (U, P)
        words = tokens.to(self.device)
        width = self.width // 2
        out = torch.empty(self.n_layers, len(tokens), self.width)
        out[0, :, :width] = out[0, :, width:] = vectors[words]
        for half, at, directions in ((0, packing.ahead, self._ahead), (1, packing.behind, self._behind)):
            at = at.to(self.device)
            x, which = vectors, torch.empty_like(words).scatter_(0, at, words)  # (U, P), (N,) in the block's order
            for index, direction in enumerate(directions):
                y = direction(x, packing, None if index else which)  # (N, P)
                x = self._next(x, y, index)
                out[index + 1, :, half * width : (half + 1) * width] = x[at]
        return [part.clone() for part in torch.split(out, lengths, dim=1)]  # (L, T, D) each

    def _next(self, x: Tensor, y: Tensor, layer: int) -> Tensor:
        """What a layer (from 0) gives on whose input is x and output is y: (N, P)."""
        return x + y if self.options.skip_connections and layer > 0 else y
