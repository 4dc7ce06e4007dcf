"""Cut a text into parts, and compute several of them at the same time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias, TypeVar

import torch

from elmo_tasks.core.memory import return_freed_memory
from elmo_tasks.embedders.elmo import frozen_device
from elmo_tasks.embedders.inputs import FrozenInput
from elmo_tasks.runs.ahead import ahead
from elmo_tasks.runs.batches import PreparedSentences
from elmo_tasks.runs.store import Trained
from elmo_tasks.text.examples import Example

FIRST_TOKENS = 1024  # in the first part of a text; each following part has twice as many, up to the maximum
PART_TOKENS, PART_NUMBERS = 4096, 6 << 20  # maximum of tokens in a part, and of numbers in their frozen vectors: 25 MB
_AT_A_TIME = 4  # maximum number of parts that are computed at the same time
_TRIM_TOKENS = 1 << 16  # after so many tokens, freed memory is returned; more often would cost a tenth of the time
_tokens = 0  # computed in this process since freed memory was returned

DoneT = TypeVar("DoneT")
Groups: TypeAlias = "list[Sequence[Example]]"
"""The examples of each sentence or document."""


def in_parts(
    trained: Trained, groups: Iterable[Sequence[Example]], work: Callable[[Groups, PreparedSentences], DoneT]
) -> Iterator[tuple[Groups, DoneT]]:
    """Yield groups of examples in parts, with the result of `work` for each part and its prepared sentences.

    As many parts as PyTorch has threads are computed at the same time, up to `_AT_A_TIME`, each from its vectors to its
    predictions: unlike the threads of one product, these never wait for each other. Documents are computed one by one,
    because their scores of pairs of spans take much memory.
    """
    trained.model.eval().to(frozen_device())
    frozen = (each.embedder for each in trained.inputs if isinstance(each, FrozenInput))
    numbers = sum(embedder.n_layers * embedder.width for embedder in frozen)  # per token

    def computed(part: Groups) -> DoneT:
        examples = (x for own in part for x in own if x.tokens)
        return work(part, PreparedSentences(examples, trained.inputs, trained.task.given))

    threads = torch.get_num_threads()
    most = _AT_A_TIME if frozen_device().type == "cpu" else 2  # on a GPU only one waits while the other computes
    workers = 1 if trained.task.document is not None else min(threads, most)
    parts = _parts(groups, min(PART_TOKENS, PART_NUMBERS // max(1, numbers)), workers)
    if workers == 1:
        found: Iterator[tuple[Groups, DoneT]] = ((part, computed(part)) for part in parts)
    else:
        found = ahead(parts, computed, workers=workers, waiting=1, threads=threads // workers)
    for part, done in found:
        _trim(sum(len(example.tokens) for own in part for example in own))
        yield part, done


def _trim(tokens: int) -> None:
    """Return freed memory from time to time, or the heap grows with the length of a text. tokens: computed just now."""
    global _tokens
    _tokens += tokens
    if _tokens >= _TRIM_TOKENS:
        return_freed_memory()
        _tokens = 0


def _parts(groups: Iterable[Sequence[Example]], most: int, workers: int) -> Iterator[Groups]:
    """Cut groups into parts of at most `most` tokens; a longer group is a part of its own.

    The end of the text, of up to `most` tokens per worker, is shared out, so that no worker is done long before the
    others. If reading a group fails, those before it are yielded first.
    """
    text = _Waiting()
    limit, failure = min(FIRST_TOKENS, most), None
    try:
        for group in groups:
            text.add(group)
            while text.tokens > limit + workers * most:
                yield text.take(limit)
                limit = min(2 * limit, most)
    except Exception as error:  # raised again when the groups before it have been computed
        failure = error
    rounds = -(-text.tokens // (workers * most))
    share = text.tokens if text.tokens <= FIRST_TOKENS else -(-text.tokens // max(1, rounds * workers))
    while text:
        yield text.take(min(share, most))
    if failure is not None:
        raise failure


class _Waiting:
    """Groups that are not in a part yet. tokens: their number."""

    def __init__(self) -> None:
        self._groups: deque[tuple[Sequence[Example], int]] = deque()
        self.tokens = 0

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, group: Sequence[Example]) -> None:
        """Add a group at the end."""
        count = sum(len(example.tokens) for example in group)
        self._groups.append((group, count))
        self.tokens += count

    def take(self, most: int) -> Groups:
        """The first groups, with at most so many tokens in all, but at least one group."""
        part: Groups = []
        left = most
        while self._groups and (not part or self._groups[0][1] <= left):
            group, count = self._groups.popleft()
            part.append(group)
            left -= count
            self.tokens -= count
        return part
