from __future__ import annotations

from tools.bilm import bilm_table


def test_stages_are_added_up() -> None:
    stage = {"epochs": 1.0, "corpus_tokens": 45_000_000, "corpus_sentences": 1_850_000}
    made = bilm_table(
        {
            "stages": [stage, stage | {"epochs": 0.31}],
            "vocabulary": 60336,
            "heldout": "some text",
            "heldout_unknown": 0.0357,
            "heldout_perplexity": 91.18,
            "heldout_forward": 90.94,
            "heldout_backward": 91.43,
            "trigram_perplexity": 165.89,
            "file": "pretraining-shipped.json",
        }
    )
    assert "| epochs | 1.31, in 2 stages |" in made
    assert "| out-of-vocabulary tokens in it | 3.6 % |" in made
    assert "| held-out perplexity, mean of both directions | 91.2 |" in made
    assert "| training text | 45,000,000 tokens, 1,850,000 sentences |" in made
