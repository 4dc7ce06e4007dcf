"""Typed text to tokenised sentences."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.demo.tokens import CHARACTERS, LIMIT, LONGEST, read_typed


def test_sentences_and_treebank_tokens() -> None:
    typed = read_typed("Anna, who can't swim, isn't here. Mr. Smith paid $3.50.", tokenised=False)
    assert [" ".join(tokens) for tokens in typed.sentences] == [
        "Anna , who ca n't swim , is n't here .",
        "Mr. Smith paid $ 3.50 .",
    ]
    assert not typed.cut and not typed.shortened


@given(st.text(max_size=80))
def test_nothing_is_lost_or_empty(text: str) -> None:
    tokens = [token for sentence in read_typed(text, tokenised=False).sentences for token in sentence]
    assert all(tokens) and "".join(tokens) == "".join(text.split())


def test_blanks_alone_divide_tokenised_text() -> None:
    assert read_typed(" can't stop,\tnow. Go", tokenised=True).sentences == (("can't", "stop,", "now.", "Go"),)


def test_long_text_is_cut() -> None:
    typed = read_typed("word " * 2000, tokenised=False)
    assert len(typed.sentences[0]) == LIMIT and typed.cut and not typed.shortened
    assert not read_typed("word " * LIMIT, tokenised=False).cut
    assert read_typed("(" * (LIMIT + 1), tokenised=False).cut
    assert read_typed(f"word{' ' * CHARACTERS}word", tokenised=False).cut
    sentences = read_typed("Two words. " * LIMIT, tokenised=False).sentences
    assert sum(map(len, sentences)) == LIMIT and sentences[0] == ("Two", "words", ".")


@pytest.mark.parametrize(
    "text", ["(" * 50_000, ")" * 50_000, "a'" * 25_000, "." * 50_000, "( " * 25_000, "“a. " * 9000]
)
@pytest.mark.parametrize("tokenised", [False, True])
def test_no_text_keeps_others_waiting(text: str, tokenised: bool) -> None:
    began = time.process_time()
    typed = read_typed(text, tokenised=tokenised)
    assert time.process_time() - began < 0.5
    tokens = [token for sentence in typed.sentences for token in sentence]
    assert len(tokens) <= LIMIT and max(map(len, tokens)) <= LONGEST
    assert typed.cut or typed.shortened


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert read_typed("a \ud800 b", tokenised=True).sentences == (("a", "?", "b"),)
