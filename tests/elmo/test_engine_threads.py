"""One engine in many threads, in copies, and in other processes: the same vectors as a fresh one's in one thread."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import joblib
import pytest
import torch
from torch import Tensor

from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.engine import Engine
from elmo_tasks.elmo.engine.sides import side_by_side
from elmo_tasks.elmo.engine.words import TABLES
from elmo_tasks.elmo.options import BilmOptions

OPTIONS = BilmOptions(char_dim=3, filters=((1, 8), (2, 8)), n_highway=1, cell_dim=16, projection_dim=8)
N_THREADS, N_SENTENCES = 16, 500
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def text(seed: int, count: int) -> list[list[str]]:
    """Sentences of few and of rare words, of all threads in another order."""
    draw = random.Random(seed)
    return [[f"w{int(draw.expovariate(0.01))}" for _ in range(draw.randint(0, 12))] for _ in range(count)]


def same(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> bool:
    """Up to the order in which products are added; a wrong word is far from that."""
    return all(torch.allclose(a, b, rtol=0, atol=1e-6) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("word_table", [50, 1 << 15], ids=["a table that overflows", "a table that fills"])
def test_threads_share_an_engine(random_bilm: Callable[..., BiLM], word_table: int) -> None:
    bilm = random_bilm(OPTIONS)
    shared = Engine(bilm, precision="exact", word_table=word_table)
    texts = [text(seed, N_SENTENCES) for seed in range(N_THREADS)]
    start = threading.Barrier(N_THREADS)

    def embed(sentences: list[list[str]]) -> list[Tensor]:
        start.wait()
        return [vectors for at in range(0, N_SENTENCES, 20) for vectors in shared.embed(sentences[at : at + 20])]

    with ThreadPoolExecutor(N_THREADS) as pool:
        found = list(pool.map(embed, texts))
    for sentences, vectors in zip(texts, found, strict=True):
        assert same(vectors, Engine(bilm, precision="exact").embed(sentences))
    assert same(shared.embed(texts[0]), found[0])  # and nothing wrong is left behind
    assert len(set(shared.words._rows.values())) == len(shared.words) <= word_table


@pytest.mark.parametrize("precision", ["exact", "fast", "int8"])
def test_a_pickled_copy_is_equal(random_bilm: Callable[..., BiLM], precision: str) -> None:
    engine = Engine(random_bilm(replace(OPTIONS, max_characters=9)), precision=precision)
    sentences = [*text(1, 20), ["x" * 40]]
    copy = pickle.loads(pickle.dumps(engine))
    assert copy.arithmetic == engine.arithmetic and len(copy.words) == 0
    for ours, theirs in zip(copy.embed(sentences), engine.embed(sentences), strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(copy.embed(sentences[-1:])[0], engine.embed(sentences[-1:])[0])


def test_processes_of_joblib(random_bilm: Callable[..., BiLM]) -> None:
    engine = Engine(random_bilm(OPTIONS), precision="exact")
    texts = [text(seed, 5) for seed in range(3)]
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(engine.embed)(sentences) for sentences in texts)
    for sentences, vectors in zip(texts, found, strict=True):
        assert same(vectors, engine.embed(sentences))


def _send(engine: Engine, sentences: list[list[str]], queue: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    queue.put([vectors.numpy() for vectors in engine.embed(sentences)])


@needs_fork
@pytest.mark.parametrize("threads", [1, 2])
def test_a_forked_process(random_bilm: Callable[..., BiLM], threads: int) -> None:
    """PyTorch's threads do not survive the fork: products of many rows would wait for them without end."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        bilm = random_bilm(replace(OPTIONS, cell_dim=256, projection_dim=64))
        engine = Engine(bilm, precision="exact")
        sentences = text(3, 200)
        expected = engine.embed(sentences)
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        process = context.Process(target=_send, args=(engine, text(4, 30) + sentences, queue))
        process.start()
        found = queue.get(timeout=100)
        process.join(timeout=100)
        assert process.exitcode == 0 and torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert same([torch.from_numpy(vectors) for vectors in found[30:]], expected)


@needs_fork
def test_a_fork_waits_for_the_word_table() -> None:
    """In the child the lock is free, whichever thread of the parent held it."""
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with TABLES:
            held.set()
            go_on.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    threading.Timer(0.2, go_on.set).start()
    child = os.fork()
    if not child:
        with TABLES:
            os._exit(0)
    assert go_on.is_set() and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    holder.join()


@pytest.mark.parametrize(("spins", "divide", "own"), [("2000", True, 3), ("2000", False, 6), (None, True, 6)])
def test_the_threads_of_each_side(monkeypatch: pytest.MonkeyPatch, spins: str | None, divide: bool, own: int) -> None:
    """Also after PyTorch's first operation in a thread, which takes over the number of the process."""
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
        monkeypatch.delenv(name, raising=False)
    if spins is not None:
        monkeypatch.setenv("GOMP_SPINCOUNT", spins)
    before, found = torch.get_num_threads(), list[int]()
    try:
        torch.set_num_threads(6)
        side_by_side(*[lambda: found.append(torch.get_num_threads())] * 2, divide=divide)
        assert found == [own, own] and torch.get_num_threads() == 6
    finally:
        torch.set_num_threads(before)
