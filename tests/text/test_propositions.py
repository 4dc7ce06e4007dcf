"""The columns for srl-eval.pl and the JSON of a frame."""

from __future__ import annotations

from pathlib import Path

from elmo_tasks.data.srl import read_srl
from elmo_tasks.text.examples import TaggedSentence
from elmo_tasks.text.propositions import to_frame, to_propositions

TOKENS = ("Ada", "wants", "to", "leave")
WANTS, LEAVE = ("B-A0", "B-V", "B-A1", "I-A1"), ("B-A0", "O", "O", "B-V")
EXAMPLES = [
    TaggedSentence(TOKENS, ("O", "B-V", "O", "B-V")),
    TaggedSentence(TOKENS, WANTS, 1),
    TaggedSentence(TOKENS, LEAVE, 3),
    TaggedSentence(("Rain", "!"), ("O", "O")),
]


def test_columns() -> None:
    text = to_propositions(EXAMPLES, [example.tags for example in EXAMPLES])
    assert text == (
        "- (A0*) (A0*)\n"  #
        "wants (V*) *\n"
        "- (A1* *\n"
        "leave *) (V*)\n"
        "\n"
        "-\n"
        "-\n"
    )


def test_they_are_read_back(tmp_path: Path) -> None:
    rows = to_propositions(EXAMPLES, [example.tags for example in EXAMPLES]).split("\n")
    path = tmp_path / "test.txt"
    path.write_text("\n".join(f"w {row}" if row else "" for row in rows))
    assert [(e.tags, e.predicate) for e in read_srl(path)] == [(e.tags, e.predicate) for e in EXAMPLES]


def test_frame() -> None:
    assert to_frame(TOKENS, 1, WANTS) == {
        "predicate": "wants",
        "index": 1,
        "tags": ["B-A0", "B-V", "B-A1", "I-A1"],
        "arguments": [
            {"role": "A0", "start": 0, "end": 1, "text": "Ada"},
            {"role": "A1", "start": 2, "end": 4, "text": "to leave"},
        ],
    }
