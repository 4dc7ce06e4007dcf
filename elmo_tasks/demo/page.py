"""The content of the page as HTML: the results of all runs for a text. Independent of the web framework."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from markupsafe import Markup

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.html import render
from elmo_tasks.demo.panels import (
    LEVELS,
    card,
    cluster_panel,
    entity_panel,
    frame_panel,
    label_panel,
    mix_panel,
    page,
    plain_panel,
    similarity_panel,
    tag_panel,
)
from elmo_tasks.demo.runs import Shown, ShownRun
from elmo_tasks.demo.similarity import compare_tokens
from elmo_tasks.demo.tokens import CHARACTERS, LIMIT, LONGEST, Typed, read_typed
from elmo_tasks.runs.documents import SplitDocument
from elmo_tasks.text.results import (
    ClusterResult,
    EntityResult,
    FrameResult,
    LabelResult,
    PairResult,
    Result,
    TagResult,
    joined,
    sentence_of,
)
from elmo_tasks.text.tokeniser import Sentence


class View(NamedTuple):
    """How results of one kind are shown.

    kind: the CSS class of the card; panel: makes a panel from the result, all labels of the run, and whether the text
    has several sentences; explanation: the text below the panels that explains the numbers.
    """

    kind: str
    panel: Callable[[Any, Sequence[str], bool], Markup]
    explanation: str


VIEWS: dict[type[Result], View] = {
    EntityResult: View(
        "entities",
        lambda result, types, several: entity_panel(result, types),
        "The entities are those of the most probable tag sequence. The percentage is the probability of exactly this "
        "entity under the CRF, summed over all tag sequences that contain it.",
    ),
    FrameResult: View(
        "frames",
        lambda result, roles, several: frame_panel(result, roles, several),
        "The percentage next to a predicate is the softmax probability that this token is one. The percentage below an "
        "argument is the probability of exactly this argument, summed over all tag sequences that contain it.",
    ),
    LabelResult: View(
        "label",
        lambda result, labels, several: label_panel(result, several),
        "The percentages are softmax probabilities; they are not calibrated.",
    ),
    PairResult: View(
        "label",
        lambda result, labels, several: label_panel(result),
        "The percentages are softmax probabilities of how the text and the hypothesis relate; they are not calibrated.",
    ),
    ClusterResult: View(
        "entities",
        lambda result, labels, several: cluster_panel(result),
        "Mentions with the same number and colour refer to the same entity. All sentences are read together. The "
        "percentage is the probability that the mention refers to an earlier one of its number, or, for the first one, "
        "that it is a mention and refers to nothing before it.",
    ),
    TagResult: View(
        "tags",
        lambda result, labels, several: tag_panel(result, labels),
        "The percentage below a token is the softmax probability of its label.",
    ),
}
"""By result type, so that a task of your own is shown like ours if it returns the same type of result."""

_PLAIN = View("plain", lambda result, labels, several: plain_panel(result, several), "")

TITLES = {
    "ner": "Named entities",
    "srl": "Semantic roles",
    "sentiment": "Sentiment",
    "tagging": "Tags",
    "nli": "Inference",
    "coreference": "Coreference",
}

EMPTY = page(["Type a text, then press Enter."])

EXAMPLES = (
    "The mayor of Geneva sold her bank shares yesterday, and Anna Keller bought a charming house near the river bank.",
    "The dog began to bark when Anna leaned on the rough bark of the old oak.",
    "What a charming little film, so warm and so clever!",
)

EXAMPLES_OF_PAIRS = (
    ("A boy in a red jacket is flying his kite on the windy beach.", "A child is outdoors."),
    ("The wedding guests are dancing in the garden behind the house.", "The bride is tired."),
    ("Two women are playing chess in a small café.", "Nobody is playing chess."),
)
"""The first of them is shown at the beginning if a run compares two texts."""

_ANCHORS = (  # colours of cosines from 0 to 1
    (251, 253, 243),
    (213, 239, 207),
    (134, 207, 192),
    (63, 166, 192),
    (42, 111, 176),
    (39, 64, 143),
    (20, 31, 82),
)


def document(shown: Shown) -> str:
    """The complete page, with the answer to the first example, and a second box if a run compares two texts."""
    compares = [run.run.trained.task.pair is not None for run in shown.runs]
    pairs = "only" if all(compares) else "also" if any(compares) else ""
    single = [] if pairs == "only" else [(example, "") for example in EXAMPLES]
    examples = [*EXAMPLES_OF_PAIRS, *single] if pairs else single
    text, second = examples[0]
    first = Markup(answer(shown, text, second=second))
    return render("demo/page.html", examples=examples, first=first, pairs=pairs, limit=LIMIT, characters=CHARACTERS)


def answer(shown: Shown, text: str, tokenised: bool = False, second: str = "") -> str:
    """The answer for a text: one card per run, then the similarity of its tokens. Markup in the text is escaped.

    Each sentence is analysed separately, except by runs that read documents or compare two texts, which read the whole
    text. The compared tokens are those of the first sentence.

    tokenised: whether the texts are one sentence each with tokens separated by spaces.
    """
    typed, other = read_typed(text, tokenised=tokenised), read_typed(second, tokenised=tokenised)
    if not typed.sentences:
        return EMPTY
    sentences = [sentence_of(tokens) for tokens in typed.sentences]
    pair = (_whole(typed), _whole(other)) if other.sentences else None
    cards = [
        _run_card(run, sentences) if run.run.trained.task.pair is None else _pair_card(run, pair) for run in shown.runs
    ]
    likeness = similarity_panel(compare_tokens(shown.bilm, typed.sentences[0]), shown.own)
    notes = dict.fromkeys([*_notes(typed), *_notes(other)])  # without repetitions
    return page(
        [*_split_note(shown, len(typed.sentences)), *notes],
        cards,
        card("wide", "Which tokens are alike?", (), likeness),
    )


def style() -> str:
    """The CSS of the page, which loads nothing from elsewhere."""
    return files(__package__).joinpath("style.css").read_text(encoding="utf-8") + _heat_style()


def script() -> str:
    """The JavaScript of the page, which only sends requests to this server."""
    return files(__package__).joinpath("page.js").read_text(encoding="utf-8")


def _split_note(shown: Shown, count: int) -> list[str]:
    """How the runs read a text of several sentences."""
    if count < 2:
        return []
    together = {TITLES.get(run.run.task, run.run.task): None for run in shown.runs if _reads_whole(run)}
    alone = [run for run in shown.runs if not _reads_whole(run)]
    if not together:
        how = "Each is analysed separately."
    elif not alone:
        how = "They are read together."
    else:
        how = f"They are read together for: {', '.join(together).lower()}. Everything else is found in each separately."
    return [
        f"This text was split into {count} sentences. {how} The tokens that are compared at the end are those of the "
        "first sentence."
    ]


def _reads_whole(run: ShownRun) -> bool:
    """Whether a run reads all sentences of a text together."""
    task = run.run.trained.task
    return task.document is not None or task.pair is not None


def _notes(typed: Typed) -> list[str]:
    notes = []
    if typed.cut:
        notes.append(
            f"This text is too long. Only its first {sum(map(len, typed.sentences))} tokens were analysed, of at most "
            f"{CHARACTERS:,} characters."
        )
    if typed.shortened:
        notes.append(f"Words of more than {LONGEST} characters were cut to that length.")
    return notes


def _whole(typed: Typed) -> Sentence:
    """All sentences of a text as one."""
    return sentence_of([token for tokens in typed.sentences for token in tokens])


def _pair_card(run: ShownRun, pair: tuple[Sentence, Sentence] | None) -> Markup:
    if pair is None:
        title = TITLES.get(run.run.task, run.run.task)
        return card("plain", title, _facts(run), explanation="Type a hypothesis into the second box to compare it.")
    return _card(run, run.run.apply_pairs([pair]))


def _run_card(run: ShownRun, sentences: Sequence[Sentence]) -> Markup:
    try:
        if run.run.trained.task.document is not None:
            document = SplitDocument(joined(sentences, " "), sentences)
            return _card(run, run.run.apply_documents([document]))
        return _card(run, run.run.apply(sentences))
    except InputError as error:  # a task of your own may need more than tokens
        title = TITLES.get(run.run.task, run.run.task)
        return card("plain", title, _facts(run), explanation=f"This run cannot read the text: {error}")


def _card(run: ShownRun, results: Sequence[Result]) -> Markup:
    view = VIEWS.get(type(results[0]), _PLAIN)
    bodies = [view.panel(result, run.run.labels, len(results) > 1) for result in results]
    mix = mix_panel(run.run.trained.model.mix.mix_weights())
    return card(
        view.kind, TITLES.get(run.run.task, run.run.task), _facts(run), *bodies, explanation=view.explanation, foot=mix
    )


def _facts(run: ShownRun) -> list[str]:
    trained = run.run.trained
    facts = [run.name, " + ".join(trained.experiment.embedders), f"trained on {trained.experiment.data}"]
    if run.test is not None:
        headline = {"f1": "F1"}.get(trained.task.headline, trained.task.headline)
        facts.append(f"test {headline} {100 * run.test:.1f}")
    return facts


def _heat_style() -> str:
    """The CSS classes of cosines; the text in a cell is black or white, whichever has more contrast."""
    rules = []
    for level in range(LEVELS + 1):
        place = level / LEVELS * (len(_ANCHORS) - 1)
        low = min(int(place), len(_ANCHORS) - 2)
        colour = [round(a + (b - a) * (place - low)) for a, b in zip(_ANCHORS[low], _ANCHORS[low + 1], strict=True)]
        linear = [(part / 255) ** 2.2 for part in colour]  # close enough to sRGB to choose between two
        ink = "#000000" if 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.18 else "#ffffff"
        rules.append(f".k{level} {{ background: #{''.join(f'{part:02x}' for part in colour)}; color: {ink}; }}")
    return "\n".join(rules)
