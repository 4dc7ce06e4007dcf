from __future__ import annotations

from typing import Any

from tools.comparison import MEASURED, comparison_table


def runs(
    embedders: list[str], scores: list[float], command: str = "elmo-tasks train ner", **more: Any
) -> dict[str, Any]:
    made = [{"test": {"f1": score}, "seconds": 120.0, "peak_rss_mb": 2048.0} for score in scores]
    return {"task": "ner", "data": "conll2003", "embedders": embedders, "command": command, "runs": made} | more


def benchmark(embedders: list[str], fraction: float = 100) -> dict[str, Any]:
    row = {
        "embedders": embedders,
        "fraction": fraction,
        "test": {"values": [0.5, 0.7]},
        "training_seconds": 600.0,
        "peak_rss_mb": 1024.0,
    }
    return {"kind": "benchmark", "tasks": [{"task": "ner", "data": "conll2003", "rows": [row]}]}


def measured() -> dict[str, Any]:
    embedder = {
        "tokens_per_second": 12345.0,
        "seconds_a_sentence": 0.00625,
        "peak_rss_mb": 600.0,
        "parameters": 7_000_000,
        "disk_bytes": 14 * 1024 * 1024,
        "layers": 3,
        "width": 256,
        "senses": 0.8,
        "cosine": 0.6,
        "without_vector": 0.0,
        "upos": {"all": 0.9, "new": 0.8, "without_glove": 0.7},
    }
    return {"file": MEASURED, "embedders": {"elmo": embedder}}


def cells(records: list[dict[str, Any]], beginning: str) -> list[str]:
    (line,) = [line for line in comparison_table(records).splitlines() if line.startswith(f"| {beginning}")]
    return [cell.strip() for cell in line.strip("|").split("|")[1:]]


def test_a_score_stands_in_its_system_s_column() -> None:
    records = [runs(["glove"], [0.86, 0.88]), runs(["elmo:shipped", "chars", "glove"], [0.9])]
    # by hand: mean 87, deviation sqrt(2)
    assert cells(records, "named entities") == ["87.00 ± 1.41", "", "", "", "90.00 (1 seed)"]
    assert cells(records, "training on CoNLL-2003") == ["2.0", "", "", "", "2.0"]


def test_a_benchmark_goes_before_a_record_of_runs() -> None:
    records = [runs(["glove"], [0.86]), benchmark(["glove"]), benchmark(["elmo"], fraction=10)]
    assert cells(records, "named entities") == ["60.00 ± 14.14", "", "", "", ""]
    assert cells(records, "peak memory of training") == ["1.0", "", "", "", ""]


def test_runs_of_another_model_are_left_out() -> None:
    other = runs(["elmo"], [0.9], "elmo-tasks train ner --config configs/other.yaml")
    assert comparison_table([other, runs(["elmo"], [0.9], "elmo-tasks train ner --set model.head=max")]) == (
        "Nothing is recorded yet.\n"
    )


def test_what_was_measured_of_one_embedder_is_not_said_of_its_concatenations() -> None:
    assert cells([measured()], "computing vectors, tokens per second") == ["", "12,345", "", "", ""]
    assert cells([measured()], "latency of a sentence") == ["", "6.25", "", "", ""]
    assert cells([measured()], "UPOS probe, accuracy") == ["", "90.00", "", "", ""]
    assert cells([measured()], "size on disk") == ["", "14", "", "", ""]


def test_a_fine_tuned_transformer_has_a_column_of_its_own() -> None:
    """Only if there is a record; its costs are those of the whole model."""
    costs = {"tokens_per_second": 512.3, "trained_parameters": 22_000_000, "frozen_parameters": 500_000}
    tuned = runs(["minilm"], [0.92], config={"transformer": {"trainable": True}})
    tuned["runs"] = [run | costs for run in tuned["runs"]]
    frozen = runs(["minilm"], [0.88], config={"transformer": {"trainable": False}})
    for records in ([tuned, frozen], [frozen, tuned]):
        assert "| minilm, fine-tuned |" in comparison_table(records)
        assert cells(records, "named entities")[2:] == ["88.00 (1 seed)", "", "", "92.00 (1 seed)"]
        assert cells(records, "tagging, tokens per second") == ["", "", "", "", "", "512"]
        assert cells(records, "all weights in 32 bits") == ["", "", "", "", "", "90"]
    assert "fine-tuned" not in comparison_table([frozen])
