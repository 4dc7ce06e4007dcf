from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from elmo_tasks.core.errors import InputError
from tools.gains import gains_table
from tools.runs import table
from tools.tables import fill, main, read_records


def record(task: str = "ner", scores: tuple[float, ...] = (0.90, 0.91, 0.92), key: str = "f1") -> dict[str, Any]:
    runs = [
        {
            "seed": seed,
            "dev": {key: score + 0.04},
            "test": {key: score},
            "seconds": 600.0 + 60 * seed,
            "peak_rss_mb": 1024.0 * seed,
            "epochs": 20 + seed,
            "seconds_per_epoch": 25.0,
        }
        for seed, score in enumerate(scores, start=1)
    ]
    return {"task": task, "data": "conll2003", "embedders": ["glove", "chars"], "runs": runs, "file": "a.json"}


def test_a_row_has_mean_and_sample_deviation() -> None:
    last = table("ner", [record()]).splitlines()[-1].removesuffix(" | `a.json` |")
    # by hand: mean 91, deviation sqrt((1 + 0 + 1) / 2) = 1; epochs 21 22 23; minutes 11 12 13; peak is the largest
    assert last == "| conll2003 | glove chars | 3 | 95.00 ± 1.00 | 91.00 ± 1.00 | 22 | 25.0 | 12.0 | 3.0 GiB"


def test_models_on_the_same_data_and_embedders_are_told_apart() -> None:
    small, large = (record() | {"config": {"model": {"hidden": width, "layers": 2}}} for width in (4, 8))
    other = record() | {"embedders": ["glove"], "config": {"model": {"hidden": 16, "layers": 2}}}
    names = [row.split(" | ")[1] for row in table("ner", [small, large, other]).splitlines()[2:]]
    assert names == ["glove chars (hidden 4)", "glove chars (hidden 8)", "glove"]


def test_one_seed_has_no_deviation() -> None:
    assert "| 1 | 94.00 | 90.00 |" in table("ner", [record(scores=(0.9,))])


def test_what_was_not_measured_is_not_invented() -> None:
    made = record()
    for run in made["runs"]:
        del run["epochs"]
    assert "| not measured | 25.0 |" in table("ner", [made])


def test_other_tasks_have_their_own_score_and_table() -> None:
    both = [record(), record("sentiment", key="accuracy")]
    assert "test accuracy" in table("sentiment", both)
    assert "accuracy" not in table("ner", both)
    assert table("srl", both) == "No runs are recorded yet.\n"


def test_a_benchmark_is_read_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "benchmark").mkdir()
    (tmp_path / "benchmark" / "benchmark.json").write_text(json.dumps({"kind": "benchmark", "tasks": []}))
    (tmp_path / "benchmark" / "other.json").write_text("{")
    assert read_records(tmp_path) == [{"kind": "benchmark", "tasks": [], "file": "benchmark/benchmark.json"}]


def test_published_results_stand_below_ours_with_their_source(tmp_path: Path) -> None:
    published = {"task": "ner", "data": "conll2003", "model": "theirs", "seeds": 5, "test": "92", "source": "Them, 1"}
    (tmp_path / "published.json").write_text(json.dumps([published]))
    (tmp_path / "z.json").write_text(json.dumps(record()))
    assert (
        table("ner", read_records(tmp_path)).splitlines()[-1]
        == "| conll2003 | theirs | 5 |  | 92 |  |  |  |  | Them, 1 |"
    )
    del published["source"]
    (tmp_path / "published.json").write_text(json.dumps([published]))
    with pytest.raises(InputError, match=r"published\.json: a result has no source"):
        read_records(tmp_path)


def test_published_results_alone_say_what_differs() -> None:
    theirs = {"task": "srl", "data": "d", "model": "m", "test": "92", "source": "Them, 1", "differs": "larger"}
    made = table("srl", [theirs]).splitlines()
    assert made[0] == "No runs are recorded yet. Results of others:" and made[1] == ""
    assert made[-1] == "| d | m |  | 92 | larger | Them, 1 |"


def test_the_score_of_coreference() -> None:
    assert "| test CoNLL F1 |" in table("coreference", [record("coreference", key="conll")])


def test_fill_replaces_what_is_between_the_marks_and_nothing_else() -> None:
    text = "before\n<!-- table:ner -->\nstale\n<!-- /table:ner -->\nafter\n"
    made = fill(text, [record()])
    assert made == f"before\n<!-- table:ner -->\n{table('ner', [record()])}<!-- /table:ner -->\nafter\n"
    assert fill(made, [record()]) == made


def test_main_rewrites_a_checkout(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a.json").write_text(json.dumps(record()))
    (tmp_path / "results" / "curve.json").write_text("[1, 2]")
    (tmp_path / "tasks" / "ner").mkdir(parents=True)
    (tmp_path / "docs" / "api").mkdir(parents=True)
    documents = [tmp_path / name for name in ("README.md", "tasks/ner/README.md", "docs/ner.md", "docs/api/ner.md")]
    for path in documents:
        path.write_text("<!-- table:ner -->\n<!-- /table:ner -->\n")
    main(tmp_path)
    assert all("91.00 ± 1.00" in path.read_text() for path in documents)


def test_damaged_records_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InputError, match=r"a\.json: not a JSON record of runs"):
        read_records(tmp_path)
    (tmp_path / "a.json").write_text('{"task": "ner", "runs": []}')
    with pytest.raises(InputError, match=r"a\.json: the record has no runs"):
        read_records(tmp_path)


def benchmark(file: str = "benchmark.json") -> dict[str, Any]:
    against = {"seeds": [1], "difference": 0.02, "error_reduction": 0.2, "p": 0.0123, "low": 0.01, "high": 0.03}
    row = {
        "embedders": ["elmo", "glove"],
        "fraction": 100.0,
        "seeds": [1, 2],
        "dev": {"values": [0.93, 0.93]},
        "test": {"values": [0.918, 0.922]},
        "against_baseline": against,
        "training_seconds": 600.0,
        "tokens_per_second": 1234.0,
        "epochs": 20.0,
        "peak_rss_mb": 2048.0,
        "frozen_parameters": 30_000_000,
        "trained_parameters": 500_000,
        "frozen_bytes": 120_000_000,
        "model_bytes": 2_000_000,
    }
    task = {"task": "ner", "data": "conll2003", "headline": "f1", "test_sentences": 3453, "rows": [row]}
    return {"kind": "benchmark", "baseline": ["glove"], "replicates": 10, "tasks": [task], "file": file}


def test_a_benchmark_has_a_table_of_its_own(tmp_path: Path) -> None:
    text = "<!-- table:benchmark -->\n<!-- /table:benchmark -->\n<!-- table:ner -->\n<!-- /table:ner -->\n"
    (tmp_path / "benchmark.json").write_text(json.dumps(benchmark()))
    (tmp_path / "z.json").write_text(json.dumps(record()))
    made = fill(text, read_records(tmp_path))
    assert (
        "| ner, conll2003, F1 | elmo + glove | 2 | 92.00 ± 0.28 | +2.00 (1 seed of both) | 20.0 % | 0.012 "
        "| 10.0 | 1,234 | 2.0 GiB | 30.00 M | 0.50 M |\n"
    ) in made
    assert "| glove chars | 3 |" in made and "against glove" in made
    assert "No benchmark is recorded yet." in fill(text, [record()])


def test_a_table_of_one_record_finds_it_by_its_file(tmp_path: Path) -> None:
    senses = {
        "probe": "senses",
        "data": "twelve-words",
        "lemmas": 12,
        "occurrences": {"test": 104},
        "seeds": [1],
        "bilm": {"name": "default", "fingerprint": "elmo-1"},
        "unseen": 0,
        "first_sense": 0.25,
        "probes": [{"embedder": "elmo", "layer": "2", "test": [0.75]}],
        "published": [],
        "command": "elmo-tasks probe senses",
    }
    (tmp_path / "probe-twelve-words.json").write_text(json.dumps(senses))
    text = "<!-- table:probe-twelve-words -->\n<!-- /table:probe-twelve-words -->\n"
    assert "| elmo | 2 | 75.00 |" in fill(text, read_records(tmp_path))
    assert "`probe-twelve-words.json` is not recorded yet." in fill(text, [])
    assert "`pretraining-shipped.json` is not recorded yet." in fill(text.replace("probe-twelve-words", "bilm"), [])
    assert "Nothing is recorded yet." in fill(text.replace("probe-twelve-words", "comparison"), [])


def test_gains_compare_the_seeds_that_both_sides_have() -> None:
    def row(embedders: list[str], seeds: list[int], values: list[float], fraction: float = 100.0) -> dict[str, Any]:
        return {"embedders": embedders, "fraction": fraction, "seeds": seeds, "test": {"values": values}}

    less, more = ["glove", "chars"], ["elmo", "glove", "chars"]
    task = {
        "task": "ner",
        "data": "conll2003",
        "headline": "f1",
        "rows": [
            row(less, [1, 2, 3], [0.8, 0.82, 0.1]),
            row(more, [1, 2], [0.9, 0.92]),
            *(row(names, [1], [value], 10.0) for names, value in ((less, 0.5), (more, 0.75))),
            row(more, [1], [0.1], 1.0),  # without a partner
        ],
        "pairs": [
            {
                "embedders": more,
                "other": less,
                "seeds": [1, 2],
                "p": 0.0123,
                "difference": 0.1,
                "error_reduction": 0.5263,
            }
        ],
    }
    table = gains_table([{"kind": "benchmark", "tasks": [task]}]).splitlines()
    assert (
        table[2] == "| named entities, conll2003 | glove + chars | F1 | 2 | 81.00 ± 1.41 | 91.00 ± 1.41 | +10.00 "
        "| 52.6 % | 0.012 |"
    )
    assert (
        table[3]
        == "| named entities, conll2003, 10 % of the training data | glove + chars | F1 | 1 | 50.00 | 75.00 | +25.00 "
        "| 50.0 % | - |"
    )
    assert len(table) == 4
    assert gains_table([]) == "No benchmark is recorded yet.\n"


def test_gains_over_the_baseline_of_a_benchmark() -> None:
    """The comparison with the baseline is in the row, not among the pairs."""
    rows = [
        {"embedders": ["glove"], "fraction": 100.0, "seeds": [1], "test": {"values": [0.8]}, "against_baseline": None},
        {
            "embedders": ["elmo", "glove"],
            "fraction": 100.0,
            "seeds": [1],
            "test": {"values": [0.85]},
            "against_baseline": {"seeds": [1], "difference": 0.05, "error_reduction": 0.25, "p": 0.01},
        },
    ]
    task = {"task": "nli", "data": "sick", "headline": "accuracy", "rows": rows, "pairs": []}
    table = gains_table([{"kind": "benchmark", "baseline": ["glove"], "tasks": [task]}]).splitlines()
    assert table[2:] == ["| inference, sick | glove | accuracy | 1 | 80.00 | 85.00 | +5.00 | 25.0 % | 0.010 |"]
