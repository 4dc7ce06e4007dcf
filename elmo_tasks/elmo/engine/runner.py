"""The frozen biLM at the machine's speed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.engine.layer import Direction
from elmo_tasks.elmo.engine.packing import Packing
from elmo_tasks.elmo.engine.pair import LONGEST, Pair
from elmo_tasks.elmo.engine.precision import resolve
from elmo_tasks.elmo.engine.products import Maker, maker
from elmo_tasks.elmo.engine.words import WordEncoder, WordTable
from elmo_tasks.elmo.lstm import ProjectedLstm
from elmo_tasks.errors import InputError

BUDGET_NUMBERS = 1 << 22  # in a layer of one direction of a batch: 8,192 tokens of the original, about 200 MB in all
STREAMS, STREAM_CELLS = 128, 1 << 18  # side by side: enough for full products, at small cells for few steps too
WORD_TABLE = 1 << 15


class Engine:
    """Sentences in, all layers of a frozen biLM out: what `BiLM` computes, many times faster.

    The weights are copied and laid out for the hardware; changes to `bilm` after that are not seen. Memory beyond the
    weights is bounded by the token budget, or by the longest sentence where that is longer.

    Args:
        bilm: the model.
        precision: `exact`, `fast`, `int8` or `auto`, see `elmo_tasks.elmo.engine.precision.resolve`.
        token_budget: most tokens in a batch; a longer sentence is a batch of its own. None: by the width of a layer.
        word_table: how many words' vectors are kept from call to call.
        device: where to compute; the vectors come back to the CPU.

    Raises:
        InputError: an unknown precision, one that this machine has not, or a budget of less than 1.
    """

    def __init__(
        self,
        bilm: BiLM,
        *,
        precision: str = "auto",
        token_budget: int | None = None,
        word_table: int = WORD_TABLE,
        device: str | torch.device = "cpu",
    ) -> None:
        if token_budget is None:
            token_budget = max(1, BUDGET_NUMBERS // bilm.options.projection_dim)
        if token_budget < 1 or word_table < 0:
            raise InputError(
                f"expected a token_budget of 1 or more and a word_table of 0 or more, got {token_budget}, {word_table}"
            )
        self.device = torch.device(device)
        self.precision = resolve(precision, self.device)
        self.token_budget = token_budget
        self.streams = max(STREAMS, STREAM_CELLS // bilm.options.cell_dim)
        self.options, self.n_layers, self.width = bilm.options, bilm.n_layers, bilm.width
        make = maker(self.precision, self.device)
        with torch.no_grad():
            self.words = WordTable(WordEncoder(bilm.token_encoder, make, self.device), word_table)
            begin, end = self.words.lookup(["<S>", "</S>"]).tensor_split(2)  # (1, P) each
            lstms = [_lstms(layers) for layers in (bilm.forward_layers, bilm.backward_layers)]
            self._ahead = self._directions(lstms[0], begin, make)
            self._behind = self._directions(lstms[1], end, make)
            self._pairs: list[Pair] = []
            if Pair.pays(self._ahead[0], self.device):
                sides = zip(zip(self._ahead, self._behind, strict=True), zip(*lstms, strict=True), strict=True)
                self._pairs = [Pair(directions, of, make) for directions, of in sides]

    def _directions(self, lstms: Iterable[ProjectedLstm], boundary: Tensor, make: Maker) -> list[Direction]:
        """The layers of one direction, from the vector (1, P) of the boundary that it reads first."""
        directions: list[Direction] = []
        for lstm in lstms:
            directions.append(Direction(lstm, make, boundary))
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
        numbers: dict[str, int] = {}
        tokens = [numbers.setdefault(word, len(numbers)) for words in sentences for word in words]
        words = torch.tensor(tokens, device=self.device)  # (N,)
        vectors = self.words.lookup(list(numbers))  # (U, P)
        out = torch.empty(self.n_layers, len(tokens), self.width)
        ahead, behind = out.chunk(2, dim=2)  # (L, N, P) each
        ahead[0] = behind[0] = vectors[words]
        if self._pairs and len(sentences) == 1 and len(tokens) <= LONGEST:
            self._run_pairs(vectors[words], ahead, behind)
            return [out]
        packing = Packing.of(lengths, self.streams, self.device)
        for half, at, directions in ((ahead, packing.ahead, self._ahead), (behind, packing.behind, self._behind)):
            x, which = vectors, torch.empty_like(words).scatter_(0, at, words)  # (U, P), (N,) in the block's order
            for index, direction in enumerate(directions):
                x = self._next(x, direction(x, packing, None if index else which), index)  # (N, P)
                half[index + 1] = x[at]
        return [part.clone() for part in torch.split(out, lengths, dim=1)]  # (L, T, D) each

    def _run_pairs(self, x: Tensor, ahead: Tensor, behind: Tensor) -> None:
        """x: (T, P) of one sentence; fills ahead and behind (L, T, P) from layer 1 on."""
        left, right = x, x.flip(0)
        for index, pair in enumerate(self._pairs):
            left_out, right_out = pair(left, right)
            left, right = self._next(left, left_out, index), self._next(right, right_out, index)
            ahead[index + 1], behind[index + 1] = left, right.flip(0)

    def _next(self, x: Tensor, y: Tensor, layer: int) -> Tensor:
        """What a layer (from 0) gives on whose input is x and output is y: (N, P)."""
        return x + y if self.options.skip_connections and layer > 0 else y


def _lstms(layers: nn.ModuleList) -> list[ProjectedLstm]:
    """The same, typed."""
    return [layer for layer in layers if isinstance(layer, ProjectedLstm)]
