"""The frozen biLM at the machine's speed."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.sentences import checked_sentences
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.engine.layer import Alone, Direction
from elmo_tasks.elmo.engine.packing import Packing
from elmo_tasks.elmo.engine.precision import arithmetic, has_kernels, resolve
from elmo_tasks.elmo.engine.products import Makers, makers
from elmo_tasks.elmo.engine.sides import side_by_side
from elmo_tasks.elmo.engine.words import WordEncoder, WordTable
from elmo_tasks.elmo.lstm import ProjectedLstm

BUDGET_NUMBERS = 1 << 22  # in a layer of one direction of a batch: 8,192 tokens of the original, about 200 MB in all
STREAMS, STREAM_CELLS = 128, 1 << 18  # side by side: enough for full products, at small cells for few steps too
WORD_TABLE = 1 << 15
FULL_ROWS = 16  # below, both directions' weights at once would push each other out of the cache
WORTH_COMPILING = 100  # sentences alone, after which the kernel for them would have saved the time of its compilation
LONGEST = 512  # tokens of a sentence alone; a longer one is not waited for word by word, and needs less memory so


class Engine:
    """Sentences in, all layers of a frozen biLM out: what `BiLM` computes, many times faster.

    The weights are copied and laid out for the hardware; changes to `bilm` after that are not seen. Memory beyond the
    weights is bounded by the token budget, or by the longest sentence where that is longer.

    Threads may share an engine, and it can be pickled, for a process that is spawned on the same kind of machine. In a
    process that was forked it runs on one thread: those of PyTorch do not survive a fork.

    A sentence's vectors do not depend on its neighbours, their order, the token budget, the words seen before, or
    whether it comes alone: on x86 processors with AVX2 or AVX-512 to the last bit, elsewhere up to the order in which
    products are added (1e-5 in `exact`). Exceptions: with AMX, a sentence alone in `fast` (cosines above 1 - 1e-4), and
    layers of more than 1,024 cells in `exact` (1e-6).

    Args:
        bilm: the model.
        precision: `exact`, `fast`, `int8` or `auto`, see `elmo_tasks.elmo.engine.precision.resolve`.
        token_budget: most tokens in a batch; a longer sentence is a batch of its own. None: by the width of a layer.
        word_table: how many words' vectors are kept from call to call.
        device: where to compute; the vectors come back to the CPU.

    Attributes:
        precision: `exact`, `fast` or `int8`.
        arithmetic: the products that this is on this machine, such as `fast/int8-gates`; a cache of vectors should keep
            different ones apart. See `elmo_tasks.elmo.engine.precision.arithmetic`.

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
        self.arithmetic = arithmetic(self.precision, self.device)
        make = makers(self.arithmetic, self.device)
        with torch.no_grad():
            self.words = WordTable(WordEncoder(bilm.token_encoder, make.words, self.device), word_table)
            begin, end = self.words.lookup(bilm.spelling.boundaries).tensor_split(2)  # (1, P) each
            lstms = [_lstms(layers) for layers in (bilm.forward_layers, bilm.backward_layers)]
            self._sides = [self._directions(lstms[0], begin, make), self._directions(lstms[1], end, make)]
            self._alone: list[list[Alone]] = []
            if self.device.type == "cpu" and has_kernels() and Alone.pays(self._sides[0][0]):
                both = zip(self._sides, lstms, strict=True)
                self._alone = [[Alone(*each) for each in zip(*of, strict=True)] for of in both]
            self._until_compiled = (
                0 if not self._alone or self._alone_differs() or Alone.is_compiled() else WORTH_COMPILING
            )

    def _directions(self, lstms: Iterable[ProjectedLstm], boundary: Tensor, make: Makers) -> list[Direction]:
        """The layers of one direction, from the vector (1, P) of the boundary that it reads first."""
        directions: list[Direction] = []
        for lstm in lstms:
            directions.append(Direction(lstm, make, boundary))
            boundary = self._next(boundary, directions[-1].first_hidden.float(), len(directions) - 1)
        return directions

    @property
    def weight_bytes(self) -> tuple[int, int]:
        """Of the weights of one direction of a layer: those read at each step of a sentence alone, and all."""
        first = self._alone[0][0] if self._alone else self._sides[0][0]
        return first.step_bytes, first.all_bytes

    @torch.no_grad()
    def embed(self, sentences: Iterable[Sequence[str]]) -> list[Tensor]:
        """One (L, T, D) float32 tensor per sentence, on the CPU. L counts layer 0, the word vector twice.

        Raises:
            InputError: a string where a list of tokens belongs, see `checked_sentences`.
        """
        sentences = checked_sentences(sentences)
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
        halves = out.chunk(2, dim=2)  # (L, N, P) each
        for half in halves:
            half[0] = vectors[words]
        if self._alone and len(sentences) == 1 and len(tokens) <= LONGEST and self._compiling_pays():
            self._both(lambda side: self._run_alone(side, vectors[words], halves[side]), FULL_ROWS)
            return [out]
        packing = Packing.of(lengths, self.streams, self.device)
        self._both(lambda side: self._run(side, vectors, words, packing, halves[side]), packing.sizes[0])
        return [part.clone() for part in torch.split(out, lengths, dim=1)]  # (L, T, D) each

    def _both(self, run: Callable[[int], None], rows: int) -> None:
        """`run` of the forward direction, 0, and of the backward one, 1, with this number of rows each."""
        if self.device.type == "cpu" and rows >= FULL_ROWS:
            side_by_side(lambda: run(0), lambda: run(1))
        else:
            run(0)
            run(1)

    def _run(self, side: int, vectors: Tensor, words: Tensor, packing: Packing, half: Tensor) -> None:
        """vectors: (U, P), of which words (N,) says whose is whose; fills half (L, N, P) from layer 1 on."""
        at = packing.behind if side else packing.ahead  # (N,)
        x, which = vectors, torch.empty_like(words).scatter_(0, at, words)  # (U, P), (N,) in the block's order
        for index, direction in enumerate(self._sides[side]):
            x = self._next(x, direction(x, packing, None if index else which), index)  # (N, P)
            half[index + 1] = x[at]

    def _alone_differs(self) -> bool:
        """Whether a sentence alone may have other bits than among others; see the exceptions above."""
        x86 = platform.machine().lower() in ("x86_64", "amd64")
        return not x86 or self.arithmetic == "fast/bf16" or self.options.cell_dim > 1024

    def _compiling_pays(self) -> bool:
        """Whether the kernel for a sentence alone is compiled or now should be. Counts the sentences that ask."""
        self._until_compiled = max(0, self._until_compiled - 1)
        return not self._until_compiled

    def _run_alone(self, side: int, x: Tensor, half: Tensor) -> None:
        """x: (T, P) of one sentence; fills half (L, T, P) from layer 1 on."""
        x = x.flip(0) if side else x
        for index, direction in enumerate(self._alone[side]):
            x = self._next(x, direction(x), index)
            half[index + 1] = x.flip(0) if side else x

    def _next(self, x: Tensor, y: Tensor, layer: int) -> Tensor:
        """What a layer (from 0) gives on whose input is x and output is y: (N, P)."""
        return x + y if self.options.skip_connections and layer > 0 else y


def _lstms(layers: nn.ModuleList) -> list[ProjectedLstm]:
    """The same, typed."""
    return [layer for layer in layers if isinstance(layer, ProjectedLstm)]
