"""Typed text to tokens."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.demo.tokens import CHARACTERS, LIMIT, LONGEST, read_sentence, split_word


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Anna, who can't swim, isn't here.", "Anna , who ca n't swim , is n't here ."),
        ("Mr. J. Smith of the U.S. paid $3.50 (or 5%)...", "Mr. J. Smith of the U.S. paid $ 3.50 ( or 5 % ) ..."),
        ("``So what?'' she said -- quietly.", "`` So what ? '' she said -- quietly ."),
        ("state-of-the-art AT&T's", "state-of-the-art AT&T 's"),
        ("<b>bold</b>", "<b>bold</b>"),
        (". , '", ". , '"),
    ],
)
def test_punctuation_and_clitics_are_split_off(text: str, expected: str) -> None:
    assert " ".join(read_sentence(text, tokenised=False).tokens) == expected


@given(st.text(st.sampled_from("aZ7.,'\u2019`\"()-$%!éß\n\t ns"), max_size=30))
def test_tokenised_text_stays_as_it_is(text: str) -> None:
    tokens = read_sentence(text, tokenised=False).tokens
    assert read_sentence(" ".join(tokens), tokenised=False).tokens == tokens
    assert "".join(tokens) == "".join(text.split())


@given(st.text(max_size=40))
def test_nothing_is_lost_or_empty(text: str) -> None:
    for word in text.split():
        assert all(split_word(word)) and "".join(split_word(word)) == word


def test_blanks_alone_divide_tokenised_text() -> None:
    assert read_sentence(" can't stop,\tnow. ", tokenised=True).tokens == ("can't", "stop,", "now.")


def test_long_text_is_cut() -> None:
    sentence = read_sentence("word " * 5000, tokenised=False)
    assert len(sentence.tokens) == LIMIT and sentence.cut and not sentence.shortened
    assert not read_sentence("word " * LIMIT, tokenised=False).cut
    assert read_sentence("(" * (LIMIT + 1), tokenised=False).cut
    assert read_sentence(f"word{' ' * CHARACTERS}word", tokenised=False).cut


@pytest.mark.parametrize("text", ["(" * 50_000, ")" * 50_000, "a'" * 25_000, "." * 50_000, "( " * 25_000])
@pytest.mark.parametrize("tokenised", [False, True])
def test_no_text_keeps_others_waiting(text: str, tokenised: bool) -> None:
    began = time.process_time()
    sentence = read_sentence(text, tokenised=tokenised)
    assert time.process_time() - began < 0.1
    assert len(sentence.tokens) <= LIMIT and max(map(len, sentence.tokens)) <= LONGEST
    assert sentence.cut and sentence.shortened == (" " not in text)


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert read_sentence("a \ud800 b", tokenised=True).tokens == ("a", "?", "b")
