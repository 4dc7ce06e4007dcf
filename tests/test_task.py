"""What a task promises beyond its functions."""

from __future__ import annotations

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.task import load_task
from elmo_tasks.text.examples import LabelledSentence, TaggedSentence
from elmo_tasks.text.labels import LabelSet


def test_labels_are_closed_where_the_task_says_so() -> None:
    known = LabelSet(("0", "1"))
    examples = [LabelledSentence(("a",), "1", "dev.txt:1"), LabelledSentence(("b",), "2", "dev.txt:2")]
    load_task("sentiment").check(examples[:1], known)
    with pytest.raises(InputError, match=r"dev.txt:2: '2' is not a label of the training data \(0, 1\)"):
        load_task("sentiment").check(examples, known)
    load_task("ner").check([TaggedSentence(("a",), ("B-NEW",), source="test.txt:1")], LabelSet(("O",)))


@pytest.mark.parametrize("name", ["ner", "sentiment", "srl"])
def test_a_line_of_input_is_split_as_the_data_are(name: str) -> None:
    """Lines are split at spaces and tabs; U+00A0 and U+2028 belong to a token."""
    for line in ("10\u00a0000  boats\tsa\u2028nk", " 10\u00a0000 boats sa\u2028nk"):
        (example,) = load_task(name).parse(line, "stdin:1")
        assert example.tokens == ("10\u00a0000", "boats", "sa\u2028nk")
    (empty,) = load_task(name).parse("", "stdin:2")
    assert empty.tokens == ()


@pytest.mark.parametrize(
    ("name", "key", "value", "expected"),
    [
        ("ner", "hidden", 0, "a whole number of 1 or more, not 0"),
        ("ner", "layers", 0, "a whole number of 1 or more, not 0"),
        ("ner", "dropout", 2, "a number of 0 or more and below 1, not 2.0"),
        ("sentiment", "hidden", -5, "a whole number of 1 or more, not -5"),
        ("sentiment", "dropout", 1, "a number of 0 or more and below 1, not 1.0"),
        ("srl", "layers", 0, "a whole number of 1 or more, not 0"),
        ("srl", "recurrent_dropout", 1, "a number of 0 or more and below 1, not 1.0"),
        ("srl", "indicator", 0, "a whole number of 1 or more, not 0"),
        ("srl", "finder_hidden", 0, "a whole number of 1 or more, not 0"),
    ],
)
def test_settings_out_of_bounds(name: str, key: str, value: float, expected: str) -> None:
    with pytest.raises(InputError, match=f"^model.{key} must be {expected}$"):
        load_task(name).model_settings({key: value})
