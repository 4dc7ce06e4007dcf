"""Test cases next to the real data, if there are any: each is read or rejected as its README says."""

from __future__ import annotations

from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import load_data
from elmo_tasks.task import load_task

# Of each case of the shared folder: how many examples of train, dev and test are read, or what refuses them.
SHARED: dict[str, tuple[int, int, int] | str] = {
    "ner_all_O": "no spans in the training data",
    "ner_anntype_last": "--columns token=1,tag=2",
    "ner_bio_mixed_error": (13, 1, 1),
    "ner_bioes_illegal": "train.txt:44: .* is not legal in the scheme BIOES",
    "ner_cr_in_token": "train.txt:85: carriage return",
    "ner_empty_token": "train.tsv:15: the token is empty",
    "ner_empty_token_blank": "train.txt:86: ",
    "ner_glued_tag": "train.txt:86: ",
    "ner_latin1": "byte 0xe1",
    "ner_long_token": (13, 1, 1),
    "ner_long_types": (10, 2, 2),
    "ner_conll2000": (6, 1, 1),
    "ner_nbsp_line": "train.txt:7: ",
    "ner_one_sentence_20000": (13, 1, 1),
    "ner_pos_only": "this task reads spans",
    "ner_suffix": "write B-PER",
    "ner_utf16": "--encoding utf-16",
    "sent_csv_agnews": "--columns label=1,text=3",
    "sent_csv_imdb": (8, 2, 2),
    "sent_csv_label_first": "--columns label=1,text=3",
    "sent_csv_text_label": (24, 8, 8),
    "sent_dev_missing": "--dev-fraction",
    "sent_empty_text": "train.txt:9: ",
    "sent_folders": (8, 2, 2),
    "sent_imbalance": (42, 8, 8),
    "sent_jsonl_keys": (8, 8, 8),
    "sent_jsonl_surrogate": "train.jsonl:1: the text contains half of a surrogate pair",
    "sent_some_tabs": (9, 9, 9),
    "sent_test_missing": (8, 8, 0),
    "sent_text_lone_cr": "train.txt:1: carriage return",
    "sent_tsv_glue": (8, 2, 2),
    "srl05_nested": "train.txt:75: ",
    "srl05_no_V": "train.txt:74: ",
    "srl05_ok": (24, 5, 5),
    "srl05_two_tests": "for example .*:brown",
    "srl12_ok": (12, 12, 12),
    "srl12_stray_column": (13, 12, 12),
    "srl_deepsrl_bar": "train.txt:1: .*expected sentences in the columns",
    "train_zero_f1": (600, 300, 300),
}
USUAL = {"ner": (12, 1, 1), "split": (12, 1, 1), "sent": (8, 8, 8)}
TASKS = {
    "ner": "ner",
    "split": "ner",
    "train": "ner",
    "sent": "sentiment",
    "srl": "srl",
    "srl05": "srl",
    "srl12": "srl",
}


def test_the_shared_cases(shared_data: Path) -> None:
    """Every data folder among the test cases next to the data sets, if there are any."""
    seen = set()
    for folder in sorted((shared_data.parent / "cases").glob("*")):
        kind = folder.name.split("_")[0]
        if not folder.is_dir() or kind not in TASKS:
            continue
        seen.add(folder.name)
        task = load_task(TASKS[kind])
        right = SHARED.get(folder.name) or USUAL[kind]
        if isinstance(right, str):
            with pytest.raises(InputError, match=right) as fault:
                task.labels(load_data(str(folder), task.read).train)
            assert "\n" not in str(fault.value)
            continue
        found = load_data(str(folder), task.read)
        labels = task.labels(found.train)
        assert (folder.name, len(found.train), len(found.dev), len(found.test)) == (folder.name, *right)
        if kind == "sent":
            assert len(labels) == 2
    assert not seen or seen >= SHARED.keys()
