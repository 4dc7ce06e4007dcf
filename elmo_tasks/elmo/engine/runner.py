"""The engine, which runs a frozen biLM as fast as the machine allows."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.sentences import checked_sentences
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.engine import loops
from elmo_tasks.elmo.engine.graphs import recorder
from elmo_tasks.elmo.engine.layer import Alone, Direction
from elmo_tasks.elmo.engine.packing import Packing
from elmo_tasks.elmo.engine.precision import arithmetic, has_kernels, resolve
from elmo_tasks.elmo.engine.products import Makers, makers
from elmo_tasks.elmo.engine.sides import side_by_side
from elmo_tasks.elmo.engine.words import WordEncoder, WordTable
from elmo_tasks.elmo.lstm import ProjectedLstm

BUDGET_NUMBERS = 1 << 22  # per layer and direction of a batch: 8,192 tokens of the original, about 200 MB in total
STREAMS, STREAM_CELLS = 128, 1 << 18  # parallel streams: enough for full products, and for few steps with small cells
SHORT, FEW_STREAMS = 64, 96  # for fewer tokens per stream, fewer streams: they end at the same time, with full products
WORD_TABLE = 1 << 15
FULL_ROWS = 16  # below this, the weights of both directions would evict each other from the cache
WORTH_COMPILING = 100  # single sentences after which the kernel for them would have saved its compilation time
LONGEST = 512  # maximum length of a single sentence for the kernel; longer ones need less memory in a block


class Engine:
    """Computes all layers of a frozen biLM for sentences, many times faster than `BiLM`.

    The weights are copied into a layout for the hardware; later changes to `bilm` have no effect. Memory beyond the
    weights is bounded by the token budget, or by the longest sentence if that is longer.

    Threads may share an engine, and it can be pickled for processes spawned on the same kind of machine. In a forked
    process it runs on one thread, because PyTorch's threads do not survive a fork.

    The vectors of a sentence do not depend on its neighbours, their order, the token budget, the words seen before, or
    whether it is embedded alone: bit-identical on x86 processors with AVX2 or AVX-512, elsewhere up to the order of
    additions (1e-5 in `exact`). Exceptions: with AMX, a single sentence in `fast` (cosines above 1 - 1e-4), and layers
    of more than 1,024 cells in `exact` (1e-6).

    Args:
        bilm: the model.
        precision: `exact`, `fast`, `int8` or `auto`, see `elmo_tasks.elmo.engine.precision.resolve`.
        token_budget: maximum number of tokens per batch; a longer sentence forms its own batch. None: depends on the
            width of a layer.
        word_table: number of words whose vectors are kept between calls.
        device: where to compute; the vectors are returned on the CPU.

    Attributes:
        precision: `exact`, `fast` or `int8`.
        arithmetic: the type of the products on this machine, such as `fast/int8-gates`; a cache of vectors should keep
            different ones apart. See `elmo_tasks.elmo.engine.precision.arithmetic`.

    Raises:
        InputError: the precision is unknown or not supported on this machine, or a budget is less than 1.
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
                f"token_budget must be 1 or more and word_table 0 or more, not {token_budget} and {word_table}"
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
            self._until_compiled = WORTH_COMPILING if self._alone and not self._alone_differs() else 0

    def _directions(self, lstms: Iterable[ProjectedLstm], boundary: Tensor, make: Makers) -> list[Direction]:
        """The layers of one direction. boundary: (1, P), the vector of the boundary that it reads first."""
        directions: list[Direction] = []
        record = recorder(self.device)
        for lstm in lstms:
            directions.append(Direction(lstm, make, boundary, self.streams, record))
            boundary = self._next(boundary, directions[-1].first_hidden.float(), len(directions) - 1)
        return directions

    @property
    def weight_bytes(self) -> tuple[int, int]:
        """Bytes of the weights of one direction of a layer: those read at each step of a single sentence, and all."""
        first = self._alone[0][0] if self._alone else self._sides[0][0]
        return first.step_bytes, first.all_bytes

    @torch.no_grad()
    def embed(self, sentences: Iterable[Sequence[str]]) -> list[Tensor]:
        """One (L, T, D) float32 tensor per sentence, on the CPU. L includes layer 0, which is the word vector twice.

        Raises:
            InputError: a sentence is a string instead of a list of tokens, see `checked_sentences`.
        """
        sentences = checked_sentences(sentences)
        lengths = [len(words) for words in sentences]
        found = {index: torch.empty(self.n_layers, 0, self.width) for index, length in enumerate(lengths) if not length}
        for batch in self._batches(lengths):
            found.update(zip(batch, self._embed([sentences[index] for index in batch]), strict=True))
        return [found[index] for index in range(len(sentences))]

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Yield batches of indices of non-empty sentences within the budget."""
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
        """sentences: non-empty sentences."""
        lengths = [len(words) for words in sentences]
        numbers: dict[str, int] = {}
        tokens = [numbers.setdefault(word, len(numbers)) for words in sentences for word in words]
        words = torch.tensor(tokens, device=self.device)  # (N,)
        loops.expect(len(tokens))
        vectors = self.words.lookup(list(numbers))  # (U, P)
        out = torch.empty(self.n_layers, len(tokens), self.width, device=self.device)
        halves = out.chunk(2, dim=2)  # (L, N, P) each
        for half in halves:
            half[0] = vectors[words]
        if self._alone and len(sentences) == 1 and len(tokens) <= LONGEST and self._compiling_pays():
            self._both(lambda side: self._run_alone(side, vectors[words], halves[side]), FULL_ROWS)
            return [out]
        few = self.device.type == "cpu" and self.streams > STREAMS and len(tokens) < SHORT * self.streams
        packing = Packing.of(lengths, FEW_STREAMS if few else self.streams, self.device)
        self._both(lambda side: self._run(side, vectors, words, packing, halves[side]), packing.sizes[0])
        return [part.clone() for part in torch.split(out.cpu(), lengths, dim=1)]  # (L, T, D) each

    def _both(self, run: Callable[[int], None], rows: int) -> None:
        """Call `run` for the forward (0) and the backward (1) direction, with this number of rows each."""
        if self.device.type == "cpu" and rows >= FULL_ROWS:
            side_by_side(lambda: run(0), lambda: run(1))
        else:
            run(0)
            run(1)

    def _run(self, side: int, vectors: Tensor, words: Tensor, packing: Packing, half: Tensor) -> None:
        """vectors: (U, P), of which words (N,) selects one per token; fills half (L, N, P) from layer 1 on."""
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
        if self._until_compiled:
            self._until_compiled = 0 if Alone.is_compiled() else self._until_compiled - 1
        return not self._until_compiled

    def _run_alone(self, side: int, x: Tensor, half: Tensor) -> None:
        """x: (T, P) of one sentence; fills half (L, T, P) from layer 1 on."""
        x = x.flip(0) if side else x
        for index, direction in enumerate(self._alone[side]):
            x = self._next(x, direction(x), index)
            half[index + 1] = x.flip(0) if side else x

    def _next(self, x: Tensor, y: Tensor, layer: int) -> Tensor:
        """The output (N, P) of a layer (from 0) for the next one, from its input x and the LSTM's output y."""
        return x + y if self.options.skip_connections and layer > 0 else y


def _lstms(layers: nn.ModuleList) -> list[ProjectedLstm]:
    """The layers with their type."""
    return [layer for layer in layers if isinstance(layer, ProjectedLstm)]
