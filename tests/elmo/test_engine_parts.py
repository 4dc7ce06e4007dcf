"""Packing, word table and the choice of arithmetic, each by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.characters import encode_words
from elmo_tasks.elmo.engine import Engine, precision, resolve
from elmo_tasks.elmo.engine.packing import Packing
from elmo_tasks.elmo.engine.products import Int8Product, OneDnnProduct, PlainProduct
from elmo_tasks.elmo.engine.words import WordTable

CPU = torch.device("cpu")


@given(lengths=st.lists(st.integers(1, 12), min_size=1, max_size=20), streams=st.integers(1, 8))
def test_each_sentence_is_read_in_one_stream_step_by_step(lengths: list[int], streams: int) -> None:
    packing = Packing.of(lengths, streams, CPU)
    assert packing.sizes == sorted(packing.sizes, reverse=True) and sum(packing.sizes) == sum(lengths)
    assert packing.sizes[0] == min(streams, len(lengths))
    assert sorted(packing.ahead.tolist()) == sorted(packing.behind.tolist()) == list(range(sum(lengths)))
    place = [(step, stream) for step, size in enumerate(packing.sizes) for stream in range(size)]
    begins = {(step, int(stream)) for step, rows in packing.begins.items() for stream in rows}
    begins |= {(0, stream) for stream in range(packing.sizes[0])}
    start = 0
    for length in lengths:
        read = [place[row] for row in packing.ahead[start : start + length].tolist()]
        step, stream = read[0]
        assert read == [(step + offset, stream) for offset in range(length)]
        assert packing.behind[start : start + length].tolist() == packing.ahead[start : start + length].tolist()[::-1]
        begins.remove((step, stream))
        start += length
    assert not begins  # a stream is set back where a sentence begins and nowhere else


def test_streams_are_of_like_length() -> None:
    assert Packing.of([7, 1, 2, 3, 1], 2, CPU).sizes == [2] * 7
    assert Packing.of([9, 1, 1], 2, CPU).sizes == [2, 2] + [1] * 7


class Encoder:
    """Counts what it is asked for; a word's vector is its length."""

    device, width = CPU, 1

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, words: Sequence[str]) -> torch.Tensor:
        self.asked.append(list(words))
        return torch.tensor([[float(len(word))] for word in words])


def test_the_word_table_forgets_what_was_not_asked_for_the_longest() -> None:
    encoder = Encoder()
    table = WordTable(encoder, 3)  # type: ignore[arg-type]
    asked = [["a", "bb", "ccc"], ["a"], ["dddd", "a"], ["bb"], ["a", "dddd", "bb"], ["ccc"]]
    for words in asked:
        assert table.lookup(words).flatten().tolist() == [len(word) for word in words]
        assert len(table) <= 3
    assert encoder.asked == [["a", "bb", "ccc"], ["dddd"], ["bb"], ["ccc"]]
    table.clear()
    assert table.lookup(["a"]).tolist() == [[1.0]] and encoder.asked[-1] == ["a"]


@pytest.mark.parametrize("capacity", [0, 2])
def test_more_words_at_once_than_the_table_holds(capacity: int) -> None:
    encoder = Encoder()
    table = WordTable(encoder, capacity)  # type: ignore[arg-type]
    words = ["a", "bb", "ccc", "dddd"]
    assert table.lookup(words).flatten().tolist() == [1, 2, 3, 4]
    assert table.lookup(words).flatten().tolist() == [1, 2, 3, 4]
    assert len(table) == capacity


@settings(deadline=None)  # the first engine of a process loads the compiled kernels
@given(words=st.lists(st.text(max_size=4) | st.integers(1, 70).map("z".__mul__), min_size=1, max_size=9))
def test_words_as_the_token_encoder_has_them(words: list[str]) -> None:
    torch.manual_seed(1)
    bilm = BiLM(_shape()).requires_grad_(False)
    ours = Engine(bilm, precision="exact").words.lookup(list(dict.fromkeys(words)))
    theirs = bilm.token_encoder(encode_words(list(dict.fromkeys(words))))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


def _shape() -> object:
    from elmo_tasks.elmo.options import BilmOptions

    return BilmOptions(char_dim=4, filters=((1, 4), (5, 8)), n_highway=2, cell_dim=8, projection_dim=6)


ONEDNN_BF16 = ["onednn bf16"] if precision.has_bf16(CPU) else []  # no engine asks for it elsewhere


@pytest.mark.parametrize("kind", ["plain", "onednn", "plain bf16", *ONEDNN_BF16, "int8"])
@pytest.mark.parametrize("rows", [1, 5, 70])
def test_products(kind: str, rows: int) -> None:
    generator = torch.Generator().manual_seed(2)
    weight, bias, x, base = (
        torch.randn(shape, generator=generator) for shape in ((24, 40), (24,), (rows, 40), (rows, 24))
    )
    dtype = torch.bfloat16 if "bf16" in kind else torch.float32
    make = {"plain": PlainProduct, "onednn": OneDnnProduct, "int8": Int8Product}[kind.split()[0]]
    tolerance = {"plain": 1e-5, "onednn": 1e-5, "plain bf16": 0.15, "onednn bf16": 0.15, "int8": 0.4}[kind]
    expected = x.double() @ weight.double().t()
    product = make(weight, bias, dtype)
    assert (product(x).double() - expected - bias).abs().max() < tolerance
    out = torch.empty(rows, 24)
    make(weight, None, dtype).add(x.to(product.dtype), base.to(product.dtype), out)
    assert (out.double() - expected - base).abs().max() < tolerance


def test_int8_sums_are_not_cut_off() -> None:
    product = Int8Product(torch.full((16, 64), 0.5), None, torch.float32)
    torch.testing.assert_close(product(torch.ones(3, 64)), torch.full((3, 16), 32.0))


def test_int8_rows_do_not_see_each_other() -> None:
    generator = torch.Generator().manual_seed(3)
    product = Int8Product(torch.randn(16, 32, generator=generator), None, torch.float32)
    x = torch.randn(4, 32, generator=generator) * torch.tensor([[1.0], [1e-3], [0.0], [1e3]])
    torch.testing.assert_close(product(x)[:1], product(x[:1]), rtol=0, atol=1e-6)
    torch.testing.assert_close(product(x)[1:2], product(x[1:2]), rtol=0, atol=1e-9)
    assert not product(x)[2].any()


@pytest.mark.parametrize("asked", ["exact", "fast", "auto"])
@pytest.mark.parametrize("bf16", [True, False])
@pytest.mark.parametrize("int8", [True, False])
def test_without_quick_products_fast_is_exact(
    asked: str, bf16: bool, int8: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda device: bf16)
    monkeypatch.setattr(precision, "int8_is_faster", lambda device: int8)
    assert resolve(asked, CPU) == ("fast" if (bf16 or int8) and asked != "exact" else "exact")


def test_a_precision_that_is_not_there(random_bilm: Callable[..., BiLM], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="elmo.precision must be one of exact, fast, int8, auto, not 'fp16'"):
        Engine(random_bilm(), precision="fp16")
    with pytest.raises(InputError, match="token_budget must be 1 or more and word_table 0 or more, not 0 and 1"):
        Engine(random_bilm(), token_budget=0, word_table=1)
    monkeypatch.setattr(precision, "has_int8", lambda: False)
    with pytest.raises(InputError, match="int8 needs a CPU with 8-bit products .* cpu does not have; use fast"):
        resolve("int8", CPU)
    with pytest.raises(InputError, match="this machine's cuda does not have; use fast"):
        resolve("int8", torch.device("cuda"))


def test_a_pytorch_without_packed_products(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        pass

    monkeypatch.setattr(torch, "ops", Nothing())
    for probe in (precision.has_onednn, precision.has_int8):
        assert probe.__wrapped__() is False
