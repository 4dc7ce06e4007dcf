"""The tokeniser of raw text: nothing is lost, offsets are exact, the conventions are the treebank's, time is linear."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.text.tokeniser import WINDOW, split_text, tokeniser_name

FAMILY = "👩\u200d👩\u200d👧"
PIECES = (  # what rules look at, and what offsets go wrong with
    *("a", "I", "don't", "Mr.", "U.S.", "Anna\u2019s", "e.g.", "3.50", "$", "-", "--", "...", ".", "!", "?!", ":)"),
    *("'", '"', "“", "”", "``", "''", "(", ")", "[", "]", " ", "  ", "\t", "\n", "\r\n", "\r", "\n\n", "\r\n\r\n"),
    *(
        "\u00a0",
        "\u2028",
        "\u3000",
        "\u200b",
        "\ufeff",
        "\u0301",
        "é",
        "😀",
        FAMILY,
        "👍🏽",
        "🇨🇭",
        "\U0001d4b3",
        "\ud83d",
    ),
    *(
        "\0",
        "\x1f",
        "\x85",
        "http://a.b/c",
        "www.",
        "a@b.com",
        "#tag",
        "cannot",
        "and/or",
        "10:30",
        "1,000",
        "%",
        "n't",
    ),
)
LONG = (
    *(
        "word ",
        "Mr. ",
        '"Hi." ',
        "“a. ",
        "😀. ",
        "x. \r\n\r\n",
        "(",
        "'",
        '"',
        "a",
        "'s",
        "n't",
        "-a",
        "@a",
        "a.",
        "\r",
    ),
    *(" \n", " ", "www.)", "http://", "1,", "...", "can't've", "\u200d", "\ud83d "),
)


def words(text: str) -> list[list[str]]:
    return [[token.text for token in sentence.tokens] for sentence in split_text(text)]


def check_offsets(text: str, one_sentence: bool = False) -> None:
    """Every token and sentence is where it says, in order, and only white space is outside tokens."""
    before = 0
    for sentence in split_text(text, one_sentence=one_sentence):
        assert text[sentence.start : sentence.end] == sentence.text == sentence.text.strip() != ""
        assert sentence.tokens[0].start == sentence.start and sentence.tokens[-1].end == sentence.end
        for token in sentence.tokens:
            assert text[token.start : token.end] == token.text != ""
            assert not any(character.isspace() for character in token.text)
            assert text[before : token.start].strip() == ""
            before = token.end
    assert text[before:].strip() == ""


@given(st.text())
def test_any_text(text: str) -> None:
    check_offsets(text)
    check_offsets(text, one_sentence=True)


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_text_of_awkward_pieces(text: str) -> None:
    check_offsets(text)


@given(st.lists(st.sampled_from(PIECES), min_size=5, max_size=20).map("".join), st.integers(1, 3 * WINDOW))
def test_text_longer_than_a_window(text: str, length: int) -> None:
    check_offsets(text * (1 + length // len(text)))


def test_a_window_ends_between_sentences() -> None:
    text = " ".join(f"Sentence {number} has an end." for number in range(2000))
    assert len(text) > 3 * WINDOW
    assert [sentence.text for sentence in split_text(text)] == [f"Sentence {n} has an end." for n in range(2000)]


def test_a_sentence_without_end_is_divided_at_white_space() -> None:
    found = split_text("word " * 5000 + "x" * (2 * WINDOW))
    assert max(len(sentence.text) for sentence in found[:-1]) <= WINDOW
    assert found[-1].text == "x" * (2 * WINDOW)
    assert {token.text for sentence in found[:-1] for token in sentence.tokens} == {"word"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I don't know, e-mail me.", "I do n't know , e-mail me ."),
        ("I can\u2019t; they\u2019ve said she'd've come.", "I ca n\u2019t ; they \u2019ve said she 'd 've come ."),
        ("Anna's dogs' bowls: 'Tis the 1970's.", "Anna 's dogs ' bowls : 'T is the 1970's ."),
        ("You cannot go, we're gonna stay.", "You can not go , we 're gon na stay ."),
        ("It cost $3.50 (or US$ 4), up 3.5%!!!", "It cost $ 3.50 ( or US$ 4 ) , up 3.5 % !!!"),
        ('"Mr. Smith of the U.S. Navy," he said.', '" Mr. Smith of the U.S. Navy , " he said .'),
        ("He lives in Washington, D.C.", "He lives in Washington , D.C."),
        ("At 10:30 p.m. on 1996-08-22, 6-4, 1/2.", "At 10:30 p.m. on 1996-08-22 , 6-4 , 1/2 ."),
        ("1. Nadia Haddad ran .496 and +48", "1. Nadia Haddad ran .496 and +48"),
        ("AT&T, O'Brien and an F/A-18 -- U.S.-led [sic]", "AT&T , O'Brien and an F/A-18 -- U.S.-led [ sic ]"),
        ("See https://a.org/x?y=(1), or a.b@c.org.", "See https://a.org/x?y=(1 ) , or a.b@c.org ."),
        (
            f"Wait... what?! :-) @anna #now {FAMILY}👍🏽 ok",
            f"Wait ... what ?! :-) @anna #now {FAMILY} 👍🏽 ok",
        ),
        ("``Go,'' she said in mid- sentence", "`` Go , '' she said in mid- sentence"),
        ("cafe\u0301\u00a0noir", "cafe\u0301 noir"),
    ],
)
def test_conventions_of_the_treebank(text: str, expected: str) -> None:
    assert [token.text for token in split_text(text, one_sentence=True)[0].tokens] == expected.split(" ")


def test_sentences() -> None:
    text = 'Dr. Haddad flew home. She said: "It was late. Very late." Nobody\nasked why.\r\n\r\nA heading\n \nThe end'
    assert [sentence.text for sentence in split_text(text)] == [
        "Dr. Haddad flew home.",
        'She said: "It was late. Very late."',
        "Nobody\nasked why.",
        "A heading",
        "The end",
    ]


def test_offsets_count_characters_not_bytes_or_utf16_units() -> None:
    text = "\ufeff😀 \U0001d4b3 said\tso.\r\n\r\nÜber café."
    assert [(token.text, token.start) for sentence in split_text(text) for token in sentence.tokens] == [
        *[("\ufeff", 0), ("😀", 1), ("\U0001d4b3", 3), ("said", 5), ("so", 10), (".", 12)],
        *[("Über", 17), ("café", 22), (".", 26)],
    ]


@pytest.mark.parametrize("text", ["", " ", "\r\n\r\n", "\u00a0\u2028\t"])
def test_white_space_is_no_sentence(text: str) -> None:
    assert split_text(text) == split_text(text, one_sentence=True) == []


def seconds(text: str) -> float:
    """Processor time, without the garbage collector, whose own grows with all that the tests hold in memory."""
    gc.disable()
    try:
        start = time.process_time()
        split_text(text)
        return time.process_time() - start
    finally:
        gc.enable()


@pytest.mark.parametrize("piece", LONG)
def test_time_is_linear(piece: str) -> None:
    """Eight times the text takes eight times as long, and some more for noise; if it were quadratic, 64 times."""
    seconds(piece * 100)
    assert seconds(piece * (160_000 // len(piece))) < 8 * 3 * seconds(piece * (20_000 // len(piece))) + 0.5


def test_a_megabyte_takes_seconds() -> None:
    paragraph = "Dr. Haddad\u2019s “flight” to Oslo (her 3rd) cost $350.20, didn\u2019t it? She said: “It did.” 😀 "
    assert seconds(paragraph * (1_000_000 // len(paragraph))) < 20


def test_the_word_class_has_no_punctuation_of_english_text() -> None:
    for code in (*range(0x21, 0x100), *range(0x2010, 0x2060), *range(0x20A0, 0x20C0)):
        character = chr(code)
        if unicodedata.category(character)[0] in "PS" and character not in "'\u2019-.&/@+=*\\~|,:\u2010\u2011$_#":
            tokens = [token.text for token in split_text(f"ab{character}cd", one_sentence=True)[0].tokens]
            assert tokens == ["ab", character, "cd"], hex(code)


def test_name_says_what_decides_the_tokens() -> None:
    assert tokeniser_name().startswith("ptb-1 sentencex-1.")


def test_importing_it_loads_nothing_heavy() -> None:
    script = "import sys; import elmo_tasks.text.tokeniser as t; t.split_text('A b.'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "numba", "sklearn", "nltk", "spacy"} & set(loaded)
