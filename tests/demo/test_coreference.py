"""The page with a run that reads documents: coloured clusters, nested mentions, all sentences together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from elmo_tasks.demo.page import answer
from elmo_tasks.demo.panels import cluster_panel
from elmo_tasks.demo.runs import Shown, load_runs
from elmo_tasks.runs.experiment import resolve_experiment
from elmo_tasks.text.examples import Cluster, unannotated
from elmo_tasks.text.results import ClusterResult, cluster_result, sentence_of
from elmo_tasks.training.train import train

QUICK = ["training.epochs=1", "model.hidden=8", "model.scorer_hidden=8"]


def result(text: str, *clusters: Cluster, shares: Sequence[float] | None = None) -> ClusterResult:
    sentence = sentence_of(text.split())
    probabilities = None if shares is None else [shares]
    return cluster_result(sentence, [unannotated((tuple(text.split()),))], [clusters], probabilities)


def flat(markup: str) -> str:
    """The markup of a panel on one line, with single spaces."""
    return re.sub(r"\s+", " ", markup).replace("> <", "><")


def test_mentions_have_the_colour_and_number_of_their_cluster() -> None:
    made = flat(cluster_panel(result("Ada saw her mother . She left .", ((0, 1), (2, 3)), ((2, 4), (5, 6)))))
    label = '<span class="label" dir="ltr">{}</span></mark>'
    assert made.startswith(f'<p class="running" dir="auto"><mark class="entity t0">Ada{label.format(1)}')
    nested = f'<mark class="entity t1"><mark class="entity t0">her{label.format(1)} mother{label.format(2)}'
    assert nested in made
    assert f'. <mark class="entity t1">She{label.format(2)} left .' in made


def test_mentions_have_their_probability() -> None:
    made = flat(cluster_panel(result("Ada saw her .", ((0, 1), (2, 3)), shares=[0.9999, 0.25])))
    assert re.findall(r'<span class="label" dir="ltr">(.*?)</span>', made) == [
        "1 <b>&gt; 99.9 %</b>",
        "1 <b>25.0 %</b>",
    ]


def test_mentions_that_begin_together() -> None:
    made = flat(cluster_panel(result("a b c d", ((0, 1), (3, 4)), ((0, 3), (1, 2)))))
    assert re.sub(r"<mark[^>]*>", "[", made).count("[[a") == 1
    assert len(re.findall("<mark", made)) == len(re.findall("</mark>", made)) == 4


def test_no_clusters_and_markup() -> None:
    made = str(cluster_panel(result("<b> left")))
    assert "No mentions of the same entity found." in made and "&lt;b&gt; left" in flat(made)


@pytest.fixture(scope="module")
def resolved(tmp_path_factory: pytest.TempPathFactory, run_folders: dict[str, Path]) -> Shown:
    """A run of documents, then one of single sentences."""
    place = tmp_path_factory.mktemp("documents")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELMO_TASKS_CACHE", str(place / "cache"))
        experiment = resolve_experiment("coreference", None, {"embedders": ["random"]}, QUICK)
        folder = train(experiment, place / "run", tell=lambda _: None).folder
    return load_runs([str(folder), str(run_folders["sentiment"])])


def test_all_sentences_are_read_together(resolved: Shown) -> None:
    made = answer(resolved, "Marta opened a bakery. She bakes.")
    assert "<h2>Coreference</h2>" in made and "<h2>Sentiment</h2>" in made and "cannot read the text" not in made
    words = re.sub(
        r'<span class="label".*?</span>', "", flat(made.partition("<h2>Coreference")[2].partition("</p>")[0])
    )
    assert re.sub(r"<[^>]*>", "", words).endswith("Marta opened a bakery . She bakes .")
    note = (
        "split into 2 sentences. They are read together for: coreference. Everything else is found in each separately."
    )
    assert note in made
    assert "2 sentences. They are read together. The" in answer(replace(resolved, runs=resolved.runs[:1]), "One. Two.")
    assert "2 sentences. Each is analysed separately." in answer(replace(resolved, runs=resolved.runs[1:]), "One. Two.")
