"""Texts next to the real data: `embed` and `pretrain` find the same sentences in each."""

from __future__ import annotations

from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.corpus_vectors.sentence_block import cut_blocks, survey
from elmo_tasks.pretraining.corpus import read_sentences

RAIN = ["Rain", "fell", "."]
SHARED: dict[str, list[list[str]] | str] = {
    "blank": [RAIN, [], [], ["No", "."]],
    "bom": [RAIN, ["No", "."]],
    "cr": [RAIN, ["No", "wind", "."]],
    "crlf": [RAIN, ["No", "wind", "."]],
    "dot": [["."], [".."], ["/"], ["x"]],
    "dup": [["a", "b"], ["a", "b"], ["c"]],
    "empty": "empty.txt: the text has no words; expected one tokenised sentence per line",
    "index": [["sentence_to_index"], ["a"]],
    "latin1": "latin1.txt:1: the byte 0xfc is not valid UTF-8",
    "nbsp": [["Rain\u00a0fell", "."], ["A\u3000B\u2028C\u0085D"]],
    "nonl": [RAIN],
    "nul": "nul.txt:1: binary data",
    "onlyblank": "onlyblank.txt: the text has no words; expected one tokenised sentence per line",
    "surr": "surr.txt:1: the byte 0xed is not valid UTF-8",
    "tabs": [RAIN],
    "utf16": "utf16.txt:1: the text is UTF-16, not UTF-8",
}


@pytest.mark.parametrize("name", SHARED)
def test_the_shared_texts(name: str, shared_data: Path) -> None:
    path, right = shared_data.parent / "cases" / "api_texts" / f"{name}.txt", SHARED[name]
    if not path.parent.is_dir():
        pytest.skip(f"no folder {path.parent}")
    if isinstance(right, list):
        assert [words for block in cut_blocks(path, path.name) for words in block.sentences] == right
        assert [list(words) for words in read_sentences(path)] == [words for words in right if words]
        return
    with pytest.raises(InputError, match=right) as error:
        survey(path, path.name)
    assert "\n" not in str(error.value)
    if ":1:" in right:
        with pytest.raises(InputError, match=right):
            list(read_sentences(path))
    else:  # pre-training counts the words of all files together
        assert not list(read_sentences(path))
