from __future__ import annotations

from tools.bilm import fine_tuning_table


def test_before_and_after_stand_side_by_side() -> None:
    side = {"dev": [0.9, 0.92], "test": [0.8, 0.82]}
    made = fine_tuning_table(
        {
            "stage": {"epochs": 0.5, "corpus_tokens": 14_000_000},
            "perplexity": {"heldout-reviews": {"before": {"mean": 200.0}, "after": {"mean": 120.0}}},
            "tasks": [
                {
                    "task": "sentiment",
                    "data": "sst2",
                    "embedders": ["elmo", "glove"],
                    "headline": "accuracy",
                    "before": side,
                    "after": {"dev": [0.9, 0.9], "test": [0.84, 0.84]},
                    "seeds": [1, 2],
                    "difference": 0.03,
                    "low": -0.01,
                    "high": 0.07,
                    "p": 0.0312,
                },
                {
                    "task": "ner",
                    "data": "mine",
                    "embedders": ["elmo"],
                    "headline": "f1",
                    "seeds": [1, 2],
                    "before": side,
                    "after": side,
                    "difference": 0.0,
                    "low": None,
                    "high": None,
                    "p": None,
                },
            ],
            "file": "fine-tuning-research.json",
        }
    )
    assert "| perplexity of heldout-reviews | 200.0 | 120.0 | -40.0 % |  |" in made
    row = (
        "| sentiment, sst2, elmo glove: test accuracy | 81.00 ± 1.41 | 84.00 ± 0.00 | +3.00 (-1.00 to +7.00) | 0.031 |"
    )
    assert row in made
    assert "| ner, mine, elmo: test f1 | 81.00 ± 1.41 | 81.00 ± 1.41 | +0.00 |  |" in made
    assert "7,000,000 tokens read, 2 seeds; `fine-tuning-research.json`." in made
