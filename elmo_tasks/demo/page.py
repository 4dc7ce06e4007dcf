"""The page's content as HTML: what all runs say of one sentence. No Gradio here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files

from elmo_tasks.demo.answers import find_entities, find_frames, find_label
from elmo_tasks.demo.entity_panel import entity_panel
from elmo_tasks.demo.frame_panel import frame_panel
from elmo_tasks.demo.label_panel import label_panel
from elmo_tasks.demo.mix_panel import mix_panel
from elmo_tasks.demo.runs import Shown, ShownRun
from elmo_tasks.demo.similarity import compare_tokens
from elmo_tasks.demo.similarity_panel import heat_style, similarity_panel
from elmo_tasks.demo.tokens import Sentence, read_sentence

TITLES = {"ner": "Named entities", "srl": "Semantic roles", "sentiment": "Sentiment"}

HEADING = (
    '<div class="elmo"><h1>elmo-tasks<small>what frozen ELMo layers, and the models trained on them, say of a sentence'
    "</small></h1></div>"
)

EMPTY = '<div class="elmo"><p class="note" role="status">Type a sentence, then press Enter.</p></div>'


def answer(shown: Shown, text: str, tokenised: bool = False) -> str:
    """Everything about a text: a card a run, then the likeness of its tokens. Markup in it comes out as text.

    tokenised: only blanks divide tokens.
    """
    sentence = read_sentence(text or "", tokenised=tokenised)
    if not sentence.tokens:
        return EMPTY
    cards = "".join(_run_card(run, sentence.tokens) for run in shown.runs)
    likeness = similarity_panel(compare_tokens(shown.bilm, sentence.tokens), shown.own)
    compared = f'<section class="card wide"><header><h3>Which tokens are alike?</h3></header>{likeness}</section>'
    return f'<div class="elmo">{_cut_note(sentence)}<div class="cards">{cards}</div>{compared}</div>'


def style() -> str:
    """The CSS of the page: nothing in it is fetched from elsewhere."""
    return files(__package__).joinpath("style.css").read_text(encoding="utf-8") + heat_style()


def script() -> str:
    """The JavaScript that chooses two tokens; it runs once, with the panel as `element`."""
    return files(__package__).joinpath("pair.js").read_text(encoding="utf-8")


def _cut_note(sentence: Sentence) -> str:
    if not sentence.cut:
        return ""
    shown = len(sentence.tokens)
    return (
        f'<p class="note" role="status">This text has {sentence.total:,} tokens. Shown is what the runs say of the '
        f"first {shown}: they read one sentence at a time.</p>"
    )


def _run_card(run: ShownRun, tokens: Sequence[str]) -> str:
    trained = run.trained
    if trained.task.name == "ner":
        body = entity_panel(tokens, find_entities(trained, tokens), trained.labels)
    elif trained.task.name == "srl":
        body = frame_panel(tokens, find_frames(trained, tokens), trained.labels)
    else:
        body = label_panel(find_label(trained, tokens))
    return (
        f'<section class="card {trained.task.name}"><header><h3>{TITLES[trained.task.name]}</h3>'
        f'<span class="facts">{_facts(run)}</span></header>{body}{mix_panel(trained.model.mix.mix_weights())}</section>'
    )


def _facts(run: ShownRun) -> str:
    experiment = run.trained.experiment
    facts = [run.name, " + ".join(experiment.embedders), f"trained on {experiment.data}"]
    if run.test is not None:
        headline = {"f1": "F1"}.get(run.trained.task.headline, run.trained.task.headline)
        facts.append(f"test {headline} {100 * run.test:.1f}")
    return " · ".join(map(escape, facts))
