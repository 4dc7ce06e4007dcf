"""Scores of coreference clusters, as the official scorer of CoNLL-2012 defines them (Pradhan et al. 2014). No torch.

Gold (key) and predicted (response) mentions need not be the same. All sums run over all documents before they are
divided, as in the official scorer. Clusters with one mention count if the data has them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from elmo_tasks.metrics.counts import Ratio
from elmo_tasks.text.examples import Cluster, Mention, PronounCase

Clusters: TypeAlias = Sequence[Cluster]
_Overlaps: TypeAlias = "Counter[tuple[int, int]]"


def mentions(gold: Clusters, predicted: Clusters) -> Ratio:
    """Mention detection: a predicted mention is right if gold has exactly this range in any cluster."""
    ours, theirs = _owners(gold), _owners(predicted)
    right = len(ours.keys() & theirs.keys())
    return Ratio(right, len(theirs), right, len(ours))


def muc(gold: Clusters, predicted: Clusters) -> Ratio:
    """MUC (Vilain et al. 1995): the links that are needed to join the mentions of a cluster."""
    right = sum(count - 1 for count in _parts(gold, predicted))
    return Ratio(right, sum(len(own) - 1 for own in predicted), right, sum(len(own) - 1 for own in gold))


def b_cubed(gold: Clusters, predicted: Clusters) -> Ratio:
    """B3 (Bagga and Baldwin 1998): for each mention, the share of its cluster that is right."""
    overlaps = _overlaps(gold, predicted)
    return Ratio(
        sum(count**2 / len(predicted[theirs]) for (_, theirs), count in overlaps.items()),
        sum(map(len, predicted)),
        sum(count**2 / len(gold[ours]) for (ours, _), count in overlaps.items()),
        sum(map(len, gold)),
    )


def ceaf_e(gold: Clusters, predicted: Clusters) -> Ratio:
    """CEAF with the similarity phi4 of entities (Luo 2005): 2 |K and R| / (|K| + |R|) of the best alignment."""
    from scipy.optimize import linear_sum_assignment

    similarity = np.zeros((len(gold), len(predicted)))
    for (ours, theirs), count in _overlaps(gold, predicted).items():
        similarity[ours, theirs] = 2 * count / (len(gold[ours]) + len(predicted[theirs]))
    best = float(similarity[linear_sum_assignment(similarity, maximize=True)].sum())
    return Ratio(best, len(predicted), best, len(gold))


MEASURES: dict[str, Callable[[Clusters, Clusters], Ratio]] = {"muc": muc, "b3": b_cubed, "ceafe": ceaf_e}
"""Their mean F1 is the score of CoNLL-2012."""


def ratios(gold: Clusters, predicted: Clusters) -> list[Ratio]:
    """The ratios of one document; the mean of the F1 scores of their sums is the score of CoNLL-2012."""
    return [measure(gold, predicted) for measure in MEASURES.values()]


@dataclass(frozen=True)
class ClusterScores:
    """Scores as fractions. conll: mean F1 of MUC, B3 and CEAF-phi4; mentions: mention detection; report: a table.

    gap: precision, recall and F1 on the cases of GAP, of both genders, if all documents have one.
    """

    conll: float
    muc: Ratio
    b3: Ratio
    ceafe: Ratio
    mentions: Ratio
    gap: GapScores | None
    report: str = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """The scores as JSON values."""
        named = {"muc": self.muc, "b3": self.b3, "ceafe": self.ceafe, "mentions": self.mentions}
        own = {name: ratio.as_dict() for name, ratio in named.items()}
        return {"conll": self.conll, **own, **({} if self.gap is None else {"gap": self.gap.as_dict()})}


@dataclass(frozen=True)
class GapScores:
    """F1 over the two names of each case, and bias, feminine F1 / masculine F1 (Webster et al. 2018, section 3)."""

    overall: Ratio
    masculine: Ratio
    feminine: Ratio

    @property
    def bias(self) -> float:
        """1 means that both genders are resolved equally well; 0 if the masculine F1 is 0."""
        return self.feminine.f1 / self.masculine.f1 if self.masculine.f1 else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The scores as JSON values."""
        by_gender = {"masculine": self.masculine.f1, "feminine": self.feminine.f1, "bias": self.bias}
        return {**self.overall.as_dict(), **by_gender}


def score_clusters(
    gold: Sequence[Clusters], predicted: Sequence[Clusters], cases: Sequence[PronounCase | None] = ()
) -> ClusterScores:
    """Score the clusters of documents. cases: one per document, or none.

    Raises:
        ValueError: the numbers of documents differ.
    """
    found = {name: Ratio() for name in ("mentions", *MEASURES)}
    for ours, theirs in zip(gold, predicted, strict=True):
        for name in found:
            found[name] = found[name].plus(MEASURES.get(name, mentions)(ours, theirs))
    conll = sum(found[name].f1 for name in MEASURES) / len(MEASURES)
    known = [case for case in cases if case is not None]
    gap = score_gap(known, predicted) if known and len(known) == len(gold) else None
    return ClusterScores(conll, **found, gap=gap, report=_table(found, conll, gap))


def score_gap(cases: Sequence[PronounCase], predicted: Sequence[Clusters]) -> GapScores:
    """Score the cases of GAP: each has two questions, whether the pronoun refers to A, and to B.

    The answer is yes if a mention of the pronoun's cluster is the name, or one of both begins or ends where the other
    does and contains it, as `the actress Ann Lee` contains `Ann Lee`.
    """
    sums = {True: Ratio(), False: Ratio()}
    for case, clusters in zip(cases, predicted, strict=True):
        own = next((cluster for cluster in clusters if case.pronoun in cluster), ())
        said = [any(_same(mention, name) for mention in own if mention != case.pronoun) for name in case.names]
        right = sum(ours and theirs for ours, theirs in zip(said, case.refers, strict=True))
        sums[case.feminine] = sums[case.feminine].plus(Ratio(right, sum(said), right, sum(case.refers)))
    return GapScores(sums[True].plus(sums[False]), sums[False], sums[True])


def _same(mention: Mention, name: Mention) -> bool:
    return mention[0] == name[0] or mention[1] == name[1]


def _owners(clusters: Clusters) -> dict[Mention, int]:
    """The number of the cluster of each mention."""
    return {mention: number for number, cluster in enumerate(clusters) for mention in cluster}


def _overlaps(gold: Clusters, predicted: Clusters) -> _Overlaps:
    """The number of common mentions of each gold and predicted cluster that have any."""
    theirs = _owners(predicted)
    return Counter((ours, theirs[m]) for ours, cluster in enumerate(gold) for m in cluster if m in theirs)


def _parts(gold: Clusters, predicted: Clusters) -> list[int]:
    return list(_overlaps(gold, predicted).values())


def _table(found: dict[str, Ratio], conll: float, gap: GapScores | None) -> str:
    rows = {**found, **({} if gap is None else {"GAP": gap.overall, "masc.": gap.masculine, "fem.": gap.feminine})}
    names = {"muc": "MUC", "b3": "B3", "ceafe": "CEAF-phi4"}
    lines = [f"{'':<10}{'precision':>10}{'recall':>10}{'f1':>10}"]
    for name, ratio in rows.items():
        shown = "".join(f"{100 * value:>10.2f}" for value in (ratio.precision, ratio.recall, ratio.f1))
        lines.append(f"{names.get(name, name):<10}{shown}")
    lines.append(f"\nCoNLL {100 * conll:.2f}: mean F1 of MUC, B3 and CEAF-phi4")
    if gap is not None:
        lines.append(f"bias {gap.bias:.2f}: feminine F1 / masculine F1")
    return "\n".join(lines) + "\n"
