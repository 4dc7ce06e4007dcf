"""A vocabulary from another program: one word per line, which may contain other line breaks and spaces."""

from __future__ import annotations

from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.pretraining.bilm_folder import read_vocabulary


def write(folder: Path, text: str) -> Path:
    path = folder / "vocabulary.txt"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_word_a_line(tmp_path: Path, end: str, mark: str) -> None:
    path = write(tmp_path, mark + "<S>\n</S> 3\n<UNK>\n1\u00a0/2 7\na\u2028b\nc\u0085 2" + end)
    assert read_vocabulary(path) == {"<S>": 0, "</S>": 1, "<UNK>": 2, "1\u00a0/2": 3, "a\u2028b": 4, "c\u0085": 5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "vocabulary.txt:1: the first words must be <S> </S> <UNK>, not ''$"),
        ("<S>\n</S>\n<UNK>\na\n\n", "vocabulary.txt:5: empty line"),
        ("<S>\n</S>\n<UNK>\na\nb\na 2\n", "vocabulary.txt:6: duplicate word 'a'"),
    ],
)
def test_damaged_vocabularies(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_vocabulary(write(tmp_path, text))
