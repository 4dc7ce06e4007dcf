"""Likeness of tokens as HTML: two tokens by layer, and every token with every other, a table a layer.

pair.js, in the browser, lets people choose the two: it reads the numbers from the tables.
"""

from __future__ import annotations

from elmo_tasks.demo.figures import word
from elmo_tasks.demo.similarity import Similarity

LEVELS = 20
_NUMBERED = 14  # tokens up to which the cells show their numbers
_ANCHORS = (
    (251, 253, 243),
    (213, 239, 207),
    (134, 207, 192),
    (63, 166, 192),
    (42, 111, 176),
    (39, 64, 143),
    (20, 31, 82),
)


def similarity_panel(found: Similarity, own: bool) -> str:
    """own: whether one of the runs uses the biLM that the layers are of."""
    cosines = found.cosines.tolist()
    note = "" if own else " None of the runs uses ELMo, so this is the biLM inside the package."
    if found.total > len(found.tokens):
        note += f" Compared are the first {len(found.tokens)} of the sentence's {found.total} tokens."
    one, other = found.pair
    tables = "".join(
        f"<figure><figcaption>{_layer_name(layer)}</figcaption>{_table(found, rows)}</figure>"
        for layer, rows in enumerate(cosines)
    )
    return (
        '<div class="pair"><div class="chosen">How alike are '
        f"{_choice('one', found.tokens, one)} and {_choice('other', found.tokens, other)}?</div>"
        f'<div class="bars">{"".join(_bar(layer, rows[one][other]) for layer, rows in enumerate(cosines))}</div></div>'
        f'<div class="tables{" numbered" if len(found.tokens) <= _NUMBERED else ""}" style="--n:{len(found.tokens)}">'
        f"{tables}</div>{_scale()}"
        f'<p class="fine">Cosine of the frozen vectors of {word(found.source)}, before any mix. '
        f"Click a cell to choose its two tokens.{note}</p>"
    )


def heat_style() -> str:
    """CSS of the cells' classes `k0` (cosine 0 and below) to `k20` (1)."""
    rules = []
    for level in range(LEVELS + 1):
        place = level / LEVELS * (len(_ANCHORS) - 1)
        low = min(int(place), len(_ANCHORS) - 2)
        colour = [round(a + (b - a) * (place - low)) for a, b in zip(_ANCHORS[low], _ANCHORS[low + 1], strict=True)]
        ink = "#fff" if level > LEVELS * 0.55 else "#1d2733"
        rules.append(f".elmo .k{level}{{background:rgb({','.join(map(str, colour))});color:{ink}}}")
    return "\n".join(rules)


def _layer_name(layer: int) -> str:
    return "layer 0 · characters, no context" if layer == 0 else f"layer {layer} · biLSTM"


def _choice(name: str, tokens: tuple[str, ...], chosen: int) -> str:
    options = "".join(
        f'<option value="{place}"{" selected" if place == chosen else ""}>{place + 1} {word(token)}</option>'
        for place, token in enumerate(tokens)
    )
    return f'<select class="{name}" aria-label="token">{options}</select>'


def _bar(layer: int, cosine: float) -> str:
    return (
        f'<div class="bar"><span class="name">layer {layer}</span><span class="track">'
        f'<i style="width:{max(0.0, 100 * cosine):.2f}%"></i></span><span class="value">{cosine:.2f}</span></div>'
    )


def _table(found: Similarity, rows: list[list[float]]) -> str:
    tokens = [word(token) for token in found.tokens]
    head = "".join(f"<th><span>{token}</span></th>" for token in tokens)
    body = ""
    for place, row in enumerate(rows):
        cells = "".join(_cell(cosine, (place, at) == found.pair) for at, cosine in enumerate(row))
        body += f"<tr><th>{tokens[place]}</th>{cells}</tr>"
    return f'<table class="heat"><tr><td></td>{head}</tr>{body}</table>'


def _cell(cosine: float, chosen: bool) -> str:
    level = round(max(0.0, cosine) * LEVELS)
    return f'<td class="k{min(level, LEVELS)}{" chosen" if chosen else ""}">{cosine:.2f}</td>'


def _scale() -> str:
    cells = "".join(f'<i class="k{level}"></i>' for level in range(LEVELS + 1))
    return f'<div class="scale">0 and below <span>{cells}</span> 1</div>'
