"""The page's content as HTML: what all runs say of one sentence. No Gradio here."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from markupsafe import Markup

from elmo_tasks.demo.answers import find_entities, find_frames, find_label
from elmo_tasks.demo.panels import (
    LEVELS,
    card,
    entity_panel,
    frame_panel,
    label_panel,
    mix_panel,
    page,
    similarity_panel,
)
from elmo_tasks.demo.runs import Shown, ShownRun
from elmo_tasks.demo.similarity import compare_tokens
from elmo_tasks.demo.tokens import CHARACTERS, LONGEST, Typed, read_typed
from elmo_tasks.runs.store import Trained

TITLES = {"ner": "Named entities", "srl": "Semantic roles", "sentiment": "Sentiment"}

HEADING = (
    '<div class="elmo"><h1>elmo-tasks<small>what frozen ELMo layers, and the models trained on them, say of a sentence'
    "</small></h1></div>"
)

EMPTY = page(["Type a sentence, then press Enter."])

_ANCHORS = (  # colours of cosines from 0 to 1
    (251, 253, 243),
    (213, 239, 207),
    (134, 207, 192),
    (63, 166, 192),
    (42, 111, 176),
    (39, 64, 143),
    (20, 31, 82),
)


def answer(shown: Shown, text: str, tokenised: bool = False) -> str:
    """Everything about a text: one card per run, then the likeness of its tokens. Markup in it comes out as text.

    Each sentence is read on its own; the tokens that are compared are those of the first.

    tokenised: only blanks divide tokens, and the text is one sentence.
    """
    typed = read_typed(text or "", tokenised=tokenised)
    if not typed.sentences:
        return EMPTY
    cards = [_run_card(run, typed.sentences) for run in shown.runs]
    likeness = similarity_panel(compare_tokens(shown.bilm, typed.sentences[0]), shown.own)
    return page(_notes(typed), cards, card("wide", "Which tokens are alike?", (), likeness))


def style() -> str:
    """The CSS of the page: nothing in it is fetched from elsewhere."""
    return files(__package__).joinpath("style.css").read_text(encoding="utf-8") + _heat_style()


def script() -> str:
    """The JavaScript that chooses two tokens; it runs once, with the panel as `element`."""
    return files(__package__).joinpath("pair.js").read_text(encoding="utf-8")


def _notes(typed: Typed) -> list[str]:
    notes = []
    if len(typed.sentences) > 1:
        notes.append(
            f"This text was split into {len(typed.sentences)} sentences. The runs have read each on its own; the "
            "tokens that are compared at the end are those of the first."
        )
    if typed.cut:
        notes.append(
            f"This text is too long. The runs have read its first {sum(map(len, typed.sentences))} tokens, of at most "
            f"{CHARACTERS:,} characters."
        )
    if typed.shortened:
        notes.append(f"Words of more than {LONGEST} characters were cut to as many.")
    return notes


def _run_card(run: ShownRun, sentences: Sequence[Sequence[str]]) -> Markup:
    trained = run.trained
    bodies = [_body(trained, tokens) for tokens in sentences]
    mix = mix_panel(trained.model.mix.mix_weights())
    return card(trained.task.name, TITLES[trained.task.name], _facts(run), *bodies, mix)


def _body(trained: Trained, tokens: Sequence[str]) -> Markup:
    if trained.task.name == "ner":
        return entity_panel(tokens, find_entities(trained, tokens), trained.labels)
    if trained.task.name == "srl":
        return frame_panel(tokens, find_frames(trained, tokens), trained.labels)
    return label_panel(find_label(trained, tokens))


def _facts(run: ShownRun) -> list[str]:
    experiment = run.trained.experiment
    facts = [run.name, " + ".join(experiment.embedders), f"trained on {experiment.data}"]
    if run.test is not None:
        headline = {"f1": "F1"}.get(run.trained.task.headline, run.trained.task.headline)
        facts.append(f"test {headline} {100 * run.test:.1f}")
    return facts


def _heat_style() -> str:
    """CSS of the classes of cosines."""
    rules = []
    for level in range(LEVELS + 1):
        place = level / LEVELS * (len(_ANCHORS) - 1)
        low = min(int(place), len(_ANCHORS) - 2)
        colour = [round(a + (b - a) * (place - low)) for a, b in zip(_ANCHORS[low], _ANCHORS[low + 1], strict=True)]
        ink = "#fff" if level > LEVELS * 0.55 else "#1d2733"
        rules.append(f".elmo .k{level}{{background:rgb({','.join(map(str, colour))});color:{ink}}}")
    return "\n".join(rules)
