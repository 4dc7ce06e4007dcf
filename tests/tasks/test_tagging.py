"""The task `tagging`: from files to a run, its scores and its predictions."""

from __future__ import annotations

import io
import json
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.data.catalog import SAMPLE, load_data
from elmo_tasks.data.tagged import read_tagged
from elmo_tasks.metrics.counts import sum_counts
from elmo_tasks.nn.batch import Item, collate
from elmo_tasks.nn.embedding_mix import EmbeddingMix, FrozenLayers
from elmo_tasks.nn.token_classifier import TokenClassifier
from elmo_tasks.task import load_task
from elmo_tasks.text.examples import TaggedSentence

FAST = [
    *("--embedders", "random", "chars", "--set", "model.hidden=32", "--set", "model.dropout=0.1"),
    *("--set", "training.epochs=4", "--set", "training.learning_rate=0.01"),
]


def test_train_evaluate_predict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On CoNLL-U, so that the column of the labels is part of the run."""
    monkeypatch.chdir(tmp_path)
    for split in ("train", "dev", "test"):
        examples = read_tagged(SAMPLE / "tagging" / f"{split}.txt")[:120]
        rows = [
            "".join(
                f"{n}\t{w}\t_\t_\t{t.lower()}\t_\t0\t_\t_\t_\n"
                for n, (w, t) in enumerate(zip(x.tokens, x.tags, strict=True), 1)
            )
            for x in examples
        ]
        Path("data").mkdir(exist_ok=True)
        Path(f"data/en-{split}.conllu").write_text("\n".join(rows), encoding="utf-8")
    given = ["--data", "data", "--columns", "tag=XPOS", "--output", "run"]
    assert main(["train", "tagging", *given, *FAST]) == 0
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert metrics["headline"] == "accuracy" and metrics["test"]["accuracy"] > 0.7
    assert set(metrics["test"]) == {"accuracy", "macro_f1", "per_type", "confusion"}
    outcomes = json.loads(Path("run/outcomes.test.json").read_text())
    right, predicted, gold = map(sum, zip(*outcomes["counts"], strict=True))
    assert predicted == gold and right / gold == pytest.approx(metrics["test"]["accuracy"])
    first = Path("run/predictions.test.txt").read_text().splitlines()[0].split(" ")
    assert len(first) == 3 and first[1] == first[1].lower()
    capsys.readouterr()
    assert main(["evaluate", "run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == metrics["test"]["accuracy"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Ada sold a boat .\n\n")))
    assert main(["predict", "run"]) == 0
    found, empty = map(json.loads, capsys.readouterr().out.splitlines())
    assert found["tokens"] == ["Ada", "sold", "a", "boat", "."] and len(found["tags"]) == 5
    assert set(found["tags"]) <= set(metrics["test"]["confusion"]["labels"]) | {"part", "sym", "intj", "sconj"}
    assert empty == {"tokens": [], "tags": []}


def test_scores_and_counts_agree() -> None:
    task = load_task("tagging")
    examples = [TaggedSentence(("a", "b"), ("X", "Y")), TaggedSentence(("c",), ("NEW",))]
    predicted = [("X", "X"), ("X",)]
    scores = task.score(examples, predicted).as_dict()
    counts = sum_counts(task.count(example, own) for example, own in zip(examples, predicted, strict=True))
    assert scores["accuracy"] == counts.f1 == pytest.approx(1 / 3)
    assert scores["macro_f1"] == pytest.approx((2 / 4 + 0 + 0) / 3)
    assert task.record(examples, predicted) == "a X X\nb Y X\n\nc NEW X\n"
    with pytest.raises(InputError, match=r"f:1: the training data has only one label, 'X'; at least two are needed"):
        task.labels([TaggedSentence(("a",), ("X",), source="f:1")])


def test_the_loss_is_that_of_each_token() -> None:
    """Compared with a loop over the tokens; what is padded adds nothing."""
    torch.manual_seed(0)
    mix = EmbeddingMix(["a"], [FrozenLayers(n_layers=1, width=3)])
    model = TokenClassifier(mix, 4, hidden=5, layers=1, dropout=0.0).eval()
    golds = [torch.tensor([0, 3, 1]), torch.tensor([2])]
    items = [Item((torch.randn(1, len(gold), 3),), len(gold), n, gold) for n, gold in enumerate(golds)]
    batch = collate(items)
    total = torch.zeros(())
    decoded = []
    for item, gold in zip(items, golds, strict=True):
        scores = model.emissions(collate([item]))[0]
        total = total - sum(scores.log_softmax(dim=1)[t, gold[t]] for t in range(len(gold)))
        decoded.append(scores.argmax(dim=1).tolist())
    assert torch.allclose(model.loss(batch), total / 2, atol=1e-5)
    assert model.decode(batch) == decoded


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_the_sample_is_what_its_readme_says(split: str) -> None:
    data = load_data("sample-tagging", read_tagged)
    examples = data.get(split)
    tags = Counter(tag for example in examples for tag in example.tags)
    row = f"| {split} | {len(examples)} | {sum(tags.values())} | {len(tags)} |"
    assert row in (SAMPLE / "tagging" / "README.md").read_text(encoding="utf-8")
    others = {example.tokens for name in {"train", "dev", "test"} - {split} for example in data.get(name)}
    assert not others & {example.tokens for example in examples}
