"""Reading and computing ahead: order, errors, threads, and the lines that are predicted."""

from __future__ import annotations

import concurrent.futures.thread
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.chars import CharsInput
from elmo_tasks.embedders.inputs import FrozenInput
from elmo_tasks.nn.batch import Batch
from elmo_tasks.runs import parts
from elmo_tasks.runs.ahead import ahead
from elmo_tasks.runs.batches import PreparedSentences, batches_by_tokens
from elmo_tasks.runs.predict import apply_run, predict_lines
from elmo_tasks.runs.run import load
from elmo_tasks.runs.store import Trained
from elmo_tasks.text.examples import TaggedSentence

LINES = [" ".join(["Ada", "lives", "in", "Rome", "and", "Bo"][: 1 + number % 6]) for number in range(60)]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a few sentences, so that a short text has many."""
    monkeypatch.setattr(parts, "FIRST_TOKENS", 8)
    monkeypatch.setattr(parts, "PART_NUMBERS", 16 * 1536)


@pytest.fixture(scope="module")
def ner() -> Trained:
    return load("ner").trained


def test_results_come_in_order_and_one_is_computed_meanwhile() -> None:
    started: list[int] = []

    def work(number: int) -> int:
        started.append(number)
        return number * number

    found = ahead(range(4), work)
    assert next(found) == (0, 0)
    while len(started) < 2:
        time.sleep(0.001)
    assert started == [0, 1]  # never two ahead
    assert list(found) == [(1, 1), (2, 4), (3, 9)] and started == [0, 1, 2, 3]


def test_several_workers_compute_at_the_same_time_and_another_item_waits() -> None:
    both, read = threading.Barrier(2, timeout=60), []

    def work(number: int) -> int:
        both.wait()  # without a second worker, this would fail
        time.sleep(0.01 * (number % 2 == 0))  # the later of two ends first
        return -number

    found = ahead((read.append(number) or number for number in range(8)), work, workers=2, waiting=1)
    assert next(found) == (0, 0) and len(read) == 4
    assert list(found) == [(number, -number) for number in range(1, 8)]


def test_a_single_item_starts_no_thread() -> None:
    assert list(ahead([1], lambda number: threading.current_thread())) == [(1, threading.current_thread())]
    assert list(ahead([], str)) == []


def test_items_are_read_in_the_callers_thread_and_computed_without_gradient_in_another() -> None:
    readers: list[threading.Thread] = []

    def items() -> Iterator[int]:
        for number in range(3):
            readers.append(threading.current_thread())
            yield number

    workers = [done for _, done in ahead(items(), lambda _: (threading.current_thread(), torch.is_grad_enabled()))]
    assert set(readers) == {threading.current_thread()}
    assert all(worker is not threading.current_thread() and not gradient for worker, gradient in workers)


@pytest.mark.parametrize("before", [0, 1, 2, 5])
def test_results_before_a_failure_of_reading_come_first(before: int) -> None:
    def items() -> Iterator[int]:
        yield from range(before)
        raise InputError("line 7 is damaged")

    found = ahead(items(), str)
    assert [next(found)[1] for _ in range(before)] == [str(number) for number in range(before)]
    with pytest.raises(InputError, match="line 7"):
        next(found)


def test_a_failure_of_the_work_is_raised_and_its_thread_ends() -> None:
    def work(number: int) -> int:
        if number == 1:
            raise InputError("no vectors")
        return number

    found = ahead(range(9), work)
    next(found)
    with pytest.raises(InputError, match="no vectors"):
        next(found)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_number_of_threads_is_that_of_before(workers: int) -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(4)
        for _, done in ahead(range(6), lambda _: torch.get_num_threads(), workers=workers, threads=2):
            assert done == 2 and torch.get_num_threads() == 4
        assert torch.get_num_threads() == 4 == _threads_of_another()
        found = ahead(range(9), str, workers=workers)
        next(found)
        found.close()  # as if the reader of the output had gone
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(threads)


def test_an_abandoned_generator_is_closed_with_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the modules of the interpreter are being emptied, and without computing what waits."""
    done: list[int] = []

    def work(number: int) -> None:
        time.sleep(0.01)
        done.append(number)

    found = ahead(range(99), work, waiting=9)
    next(found)
    monkeypatch.setattr(concurrent.futures.thread, "queue", None)
    found.close()  # type: ignore[attr-defined]
    assert len(done) < 9


def _threads_of_another() -> int:
    """PyTorch's threads in a thread that starts now."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.get_num_threads).result()


@pytest.mark.parametrize(("threads", "expected"), [(1, {"MainThread": 1}), (2, 1), (4, 1), (9, 2)])
@pytest.mark.usefixtures("small_parts")
def test_parts_are_computed_by_all_threads(
    ner: Trained, threads: int, expected: int | dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One part per thread, up to four; with one thread, all in the caller's."""
    found: dict[str, int] = {}
    decode = type(ner.model).decode

    def noted(model: Any, batch: Batch) -> Any:
        found[threading.current_thread().name] = torch.get_num_threads()
        return decode(model, batch)

    monkeypatch.setattr(type(ner.model), "decode", noted)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        list(predict_lines(ner, LINES * 3))
    finally:
        torch.set_num_threads(before)
    if isinstance(expected, dict):
        assert found == expected
    else:
        names = {f"ahead_{number}" for number in range(min(threads, 4))}
        assert found.keys() <= names and len(found) > 1 and set(found.values()) == {expected}


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.usefixtures("small_parts")
def test_results_do_not_depend_on_threads(ner: Trained, threads: int) -> None:
    expected = list(predict_lines(ner, LINES, 7))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        assert list(predict_lines(ner, LINES)) == expected
    finally:
        torch.set_num_threads(before)


@pytest.mark.usefixtures("small_parts")
def test_reading_ahead_gives_the_results_of_blocks(ner: Trained) -> None:
    assert list(predict_lines(ner, LINES)) == list(predict_lines(ner, LINES, 7))


@pytest.mark.usefixtures("small_parts")
def test_lines_before_a_damaged_one_are_predicted(ner: Trained) -> None:
    def lines() -> Iterator[str]:
        yield from LINES[:33]
        raise InputError("input:34: not UTF-8")

    results = predict_lines(ner, lines())
    assert [next(results)["tokens"] for _ in range(33)] == [line.split() for line in LINES[:33]]
    with pytest.raises(InputError, match="input:34: not UTF-8"):
        next(results)


@pytest.mark.usefixtures("small_parts")
def test_reading_is_bounded_and_starts_with_a_small_part(ner: Trained) -> None:
    read: list[str] = []

    def lines() -> Iterator[str]:
        for line in LINES:
            read.append(line)
            yield line

    results = predict_lines(ner, lines())
    next(results)
    assert (
        sum(len(line.split()) for line in read) <= 8 + 8 * 16 + 6
    )  # of two to four threads: five parts, the end, a line
    results.close()


@given(st.lists(st.integers(0, 40)), st.integers(1, 4), st.booleans())
def test_parts_have_all_groups_in_order(lengths: list[int], workers: int, fails: bool) -> None:
    def groups() -> Iterator[list[TaggedSentence]]:
        for number, length in enumerate(lengths):
            yield [TaggedSentence((str(number),) * length, ("O",) * length)]
        if fails:
            raise InputError("input:9: not UTF-8")

    made: list[list[int]] = []  # the lengths of the groups of each part
    with pytest.MonkeyPatch.context() as patch, suppress(InputError):
        patch.setattr(parts, "FIRST_TOKENS", 8)
        some = parts._parts(groups(), 16, workers)
        made.extend([len(example.tokens) for group in part for example in group] for part in some)
        assert not fails
    assert [length for part in made for length in part] == lengths
    assert all(sum(part) <= 16 or len(part) == 1 for part in made)


@pytest.mark.parametrize(("tokens", "expected"), [(8, [8]), (9, [5, 4]), (32, [16, 16]), (59, [8, 16, 9, 9, 9, 8])])
@pytest.mark.usefixtures("small_parts")
def test_the_end_of_a_text_is_shared_out(tokens: int, expected: list[int]) -> None:
    groups = ([TaggedSentence(("word",), ("O",))] for _ in range(tokens))
    assert [len(part) for part in parts._parts(groups, 16, 2)] == expected


@pytest.mark.usefixtures("small_parts")
def test_vectors_of_a_sentence_are_computed_once_for_all_its_predicates(monkeypatch: pytest.MonkeyPatch) -> None:
    """The predicates that a role labeller finds share the vectors of their sentence."""
    srl = load("srl").trained
    (frozen,) = [each for each in srl.inputs if isinstance(each, FrozenInput)]
    embedded: list[int] = []
    embed = frozen.embedder.embed

    def counted(sentences: list[tuple[str, ...]]) -> list[torch.Tensor]:
        embedded.append(len(sentences))
        return embed(sentences)

    monkeypatch.setattr(frozen.embedder, "embed", counted)
    lines = ["Ada bought a house and sold it", "Bo wanted to sing"]
    (first, second) = apply_run(srl, [srl.task.parse(line, "") for line in lines])
    assert len(first.examples) > 1 and len(second.examples) > 1 and sum(embedded) == 2


def test_batches_have_at_most_so_many_tokens_with_padding() -> None:
    sentences = [TaggedSentence(("word",) * length, ("O",) * length) for length in (3, 9, 1, 3, 30, 4, 9)]
    items = PreparedSentences(sentences, [CharsInput()]).items(sentences)
    batches = list(batches_by_tokens(items, 20))
    assert sorted(index for batch in batches for index in batch.indices) == list(range(7))
    assert [batch.mask.numel() <= 20 for batch in batches] == [True, True, False]
    assert all(int(one.lengths.max()) <= int(two.lengths.min()) for one, two in pairwise(batches))
