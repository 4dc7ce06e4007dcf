from __future__ import annotations

import pytest

from elmo_tasks.elmo.characters import batch_to_ids, encode_word, encode_words


def padded(*ids: int) -> list[int]:
    return [*ids, *[261] * (50 - len(ids))]


@pytest.mark.parametrize(
    ("word", "ids"),
    [
        ("cat", padded(259, 100, 98, 117, 260)),
        ("", padded(259, 260)),
        ("é", padded(259, 0xC3 + 1, 0xA9 + 1, 260)),
        ("東", padded(259, 0xE6 + 1, 0x9D + 1, 0xB1 + 1, 260)),
        ("👍", padded(259, 0xF0 + 1, 0x9F + 1, 0x91 + 1, 0x8D + 1, 260)),
        ("\x00", padded(259, 1, 260)),
        ("a\ud800b", padded(259, 98, 99, 260)),  # a lone surrogate has no bytes
        ("<S>", padded(259, 257, 260)),
        ("</S>", padded(259, 258, 260)),
    ],
)
def test_words_by_hand(word: str, ids: list[int]) -> None:
    assert encode_word(word) == ids


def test_a_word_of_60_characters_is_cut_at_48_bytes() -> None:
    assert encode_word("x" * 60) == [259, *[121] * 48, 260]
    assert encode_word("x" * 48) == encode_word("x" * 60)
    assert encode_word("x" * 47) == [259, *[121] * 47, 260, 261]


def test_the_cut_may_fall_inside_a_character() -> None:
    # 47 letters and the first of two bytes
    assert encode_word("x" * 47 + "é") == [259, *[121] * 47, 0xC3 + 1, 260]


def test_batch_marks_absent_words_with_zeros() -> None:
    ids = batch_to_ids([["a", "bc"], [], ["👍"]])
    assert ids.shape == (3, 2, 50)
    assert ids[0].tolist() == [padded(259, 98, 260), padded(259, 99, 100, 260)]
    assert ids[1].tolist() == [[0] * 50, [0] * 50]
    assert ids[2, 0].tolist() == padded(259, 241, 160, 146, 142, 260)
    assert ids[2, 1].tolist() == [0] * 50


def test_nothing_at_all() -> None:
    assert batch_to_ids([]).shape == (0, 0, 50)
    assert batch_to_ids([[], []]).shape == (2, 0, 50)
    assert encode_words([]).shape == (0, 50)
