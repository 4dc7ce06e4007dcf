"""Coreference clusters as cells of CoNLL-2012."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from elmo_tasks.text.examples import Mention


def bracket_cells(clusters: Sequence[Sequence[Mention]]) -> dict[int, str]:
    """The coreference cell of each token that has one; outer mentions open first and close last.

    Clusters are numbered from 0.

    Examples:
        >>> bracket_cells([[(0, 1), (2, 5)], [(3, 5)]])
        {0: '(0)', 2: '(0', 3: '(1', 4: '1)|0)'}
    """
    opened: dict[int, list[tuple[int, str]]] = defaultdict(list)
    closed: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for number, cluster in enumerate(clusters):
        for start, stop in cluster:
            if stop == start + 1:
                closed[start].append((-stop, f"({number})"))  # before all that began earlier
            else:
                opened[start].append((-stop, f"({number}"))
                closed[stop - 1].append((-start, f"{number})"))
    places = sorted({*opened, *closed})
    return {at: "|".join(text for _, text in (*sorted(opened[at]), *sorted(closed[at]))) for at in places}
