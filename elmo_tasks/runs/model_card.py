"""The model card of a run or a biLM for the Hugging Face hub: metadata in YAML, then a readable description."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elmo_tasks.core.markdown import code, escape, markdown_table
from elmo_tasks.data.catalog import short_name

LIBRARY = "elmo-tasks"
_HEADLINES = ("f1", "accuracy", "precision", "recall", "macro_f1")


def run_card(name: str, metrics: Mapping[str, Any], license: str | None) -> str:
    """The card of a run, made from its `metrics.json`: task, data, scores, command, licence, and how to load it.

    Absolute paths are reduced to their last part: a card says what was used, not where it was.
    """
    from huggingface_hub import EvalResult

    data, task = short_name(metrics["data"]), str(metrics["task"])
    embedders = [_without_folder(embedder) for embedder in metrics["embedders"]]
    scores = {split: _scores(metrics[split]) for split in ("dev", "test") if split in metrics}
    results = [
        EvalResult(
            task_type="token-classification" if "f1" in found else "text-classification",
            dataset_type=data,
            dataset_name=data,
            dataset_split=split,
            metric_type=metric,
            metric_value=round(value, 4),
        )
        for split, found in scores.items()
        for metric, value in found.items()
    ]
    rows = [(split, metric, f"{100 * value:.2f}") for split, s in scores.items() for metric, value in s.items()]
    command = " ".join("+".join(map(_without_folder, word.split("+"))) for word in metrics["command"].split())
    lines = [
        f"# {escape(f'{name}: {task} on {data}')}",
        "",
        f"A run of {LIBRARY}: {escape(' + '.join(embedders))}, seed {metrics['seed']}. "
        "The best epoch was chosen on the dev split"
        + ("; the test split was evaluated once, at the end." if "test" in scores else "; there was no test split."),
        "",
        markdown_table(("split", "score", "per cent"), rows),
        f"- Task: {escape(task)}",
        f"- Data: {escape(data)}",
        f"- Embedders: {escape(', '.join(embedders))}; loaded by these names; they are not part of this repository",
        f"- Command: {code(command or 'fitted in Python')}",
        f"- Licence: {escape(license or 'not stated')}",
        "",
        "```bash",
        f"elmo-tasks predict {name} sentences.txt",
        "```",
    ]
    return _front_matter(name, license, [task, "elmo"], results) + "\n".join(lines) + "\n"


def bilm_card(name: str, record: Mapping[str, Any] | None, license: str | None) -> str:
    """The card of a biLM, made from the record of its pre-training if there is one."""
    body = bilm_body(dict(record)) if record is not None else "# A bidirectional language model (ELMo)\n"
    lines = [
        "",
        "- Task: word vectors in context (ELMo)",
        f"- Licence: {escape(license or 'not stated')}",
        "",
        "```python",
        "from elmo_tasks.elmo import ElmoEmbedder",
        "",
        f'elmo = ElmoEmbedder.from_pretrained("{name}")',
        "```",
    ]
    return _front_matter(name, license, ["elmo", "feature-extraction"], []) + body + "\n".join(lines) + "\n"


def _front_matter(name: str, license: str | None, tags: list[str], results: list[Any]) -> str:
    from huggingface_hub import ModelCardData

    data = ModelCardData(
        license=license, library_name=LIBRARY, tags=tags, model_name=name, eval_results=results or None
    )
    return f"---\n{data.to_yaml()}\n---\n\n"


def _scores(split: Mapping[str, Any]) -> dict[str, float]:
    return {metric: float(split[metric]) for metric in _HEADLINES if metric in split}


def _without_folder(word: str) -> str:
    """`elmo:/home/me/bilm` -> `elmo:bilm`."""
    kind, colon, place = ("", "", word) if word.startswith(("/", "~")) else word.partition(":")
    return f"{kind}{colon}{Path(place).name if place.startswith(('/', '~')) else place}"


def bilm_body(record: dict[str, Any]) -> str:
    """A description of the model and its training data, in Markdown."""
    lines = [
        "# A bidirectional language model (ELMo)",
        "",
        "Trained with `elmo-tasks pretrain`. The `*.safetensors` files contain the weights and the softmax; "
        "`options.json` and `weights.hdf5`, if present, are the same weights in bilm-tf's format. `metrics.json` is "
        "the complete record of the training.",
        "",
        f"The softmax is over {record['vocabulary']:,} words.",
    ]
    if "heldout_perplexity" in record:
        lines += [
            "",
            f"Held-out perplexity {record['heldout_perplexity']:.2f}: forward {record['heldout_forward']:.2f}, "
            f"backward {record['heldout_backward']:.2f}, {100 * record['heldout_unknown']:.2f} % of the words unknown.",
        ]
    for number, stage in enumerate(record.get("stages", []), 1):
        # Later stages record the name of their start at that time: "shipped" was the previous stage.
        start = (
            f"continued from stage {number - 1}" if number > 1 else f"started from {stage['init'] or 'random weights'}"
        )
        lines += [
            "",
            f"## Stage {number}",
            "",
            f"- {stage['epochs']} epochs of {stage['corpus_tokens']:,} tokens in {stage['corpus_sentences']:,} "
            f"sentences, SHA-256 of the text {code(stage['corpus_sha256'])}",
            f"- {escape(start)}, seed {stage['config']['seed']}",
            f"- {code(stage['command'])}",
        ]
    return "\n".join(lines) + "\n"
