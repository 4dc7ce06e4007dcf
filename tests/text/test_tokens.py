"""What separates tokens, and that all readers agree on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from elmo_tasks.analysis.occurrences import occurrences_in
from elmo_tasks.corpus_vectors.sentence_block import cut_blocks
from elmo_tasks.data.conll import read_conll
from elmo_tasks.data.labelled import read_labelled
from elmo_tasks.demo.tokens import read_typed
from elmo_tasks.integrations.sklearn.token_lists import token_lists
from elmo_tasks.pretraining.corpus import read_sentences
from elmo_tasks.task import load_task
from elmo_tasks.text.tokens import split_tokens

ODD = ("\u00a0", "\u2028", "\u2029", "\u0085", "\u3000", "\x0b", "\x0c", "\x1c", "\x1f", "\ufeff", "\u200b")


@pytest.mark.parametrize("character", ODD)
def test_only_blanks_tabs_and_line_breaks_separate_tokens(character: str) -> None:
    assert split_tokens(f" a{character}b \t{character}\r\nc\n") == (f"a{character}b", character, "c")


def test_every_reader_has_the_same_tokens(tmp_path: Path) -> None:
    expected = tuple(f"a{character}b" for character in ODD)
    text = "  ".join(expected)
    plain, columns, labelled = tmp_path / "plain.txt", tmp_path / "columns.txt", tmp_path / "labelled.txt"
    plain.write_text(text + "\n", encoding="utf-8")
    columns.write_text("".join(f"{token}\tO\n" for token in expected), encoding="utf-8")
    labelled.write_text(f"1 {text}\n", encoding="utf-8")
    (block,) = cut_blocks(plain, "plain.txt")
    assert [tuple(sentence) for sentence in block.sentences] == [expected]
    assert [tuple(sentence) for sentence in read_sentences(plain)] == [expected]
    assert {found.tokens for found in occurrences_in(plain, None)} == {expected}
    assert read_conll(columns)[0].tokens == expected
    assert read_labelled(labelled)[0].tokens == expected
    assert token_lists([text]) == [expected]
    assert read_typed(text, tokenised=True).sentences == (expected,)
    for task in ("ner", "sentiment", "srl"):
        assert load_task(task).parse(text, "f:1")[0].tokens == expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_no_line_end_joins_or_cuts_sentences(tmp_path: Path, end: str) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(f"a b{end}c{end}{end}d".encode())
    blocks = cut_blocks(path, "text.txt")
    assert [sentence for block in blocks for sentence in block.sentences] == [["a", "b"], ["c"], [], ["d"]]
    assert list(read_sentences(path)) == [["a", "b"], ["c"], ["d"]]
