"""What a task promises beyond its functions."""

from __future__ import annotations

import pytest

from elmo_tasks.errors import InputError
from elmo_tasks.task import load_task
from elmo_tasks.text.examples import LabelledSentence, TaggedSentence
from elmo_tasks.text.labels import LabelSet


def test_labels_are_closed_where_the_task_says_so() -> None:
    known = LabelSet(("0", "1"))
    examples = [LabelledSentence(("a",), "1", "dev.txt:1"), LabelledSentence(("b",), "2", "dev.txt:2")]
    load_task("sentiment").check(examples[:1], known)
    with pytest.raises(InputError, match=r"dev.txt:2: expected a label of the training data \(0, 1\), got '2'"):
        load_task("sentiment").check(examples, known)
    load_task("ner").check([TaggedSentence(("a",), ("B-NEW",), source="test.txt:1")], LabelSet(("O",)))
