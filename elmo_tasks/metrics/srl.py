"""Scores of semantic roles, counted like `srl-eval.pl` of CoNLL-2005 (also used for CoNLL-2012). No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from elmo_tasks.metrics.counts import Counts, sum_counts
from elmo_tasks.metrics.spans import Tags, conlleval_counts
from elmo_tasks.text.spans import repair

PREDICATE = "V"  # given, not predicted: the script counts it, but leaves it out of the overall scores

Pair = tuple[Tags, Tags]  # gold, predicted


class Argument(NamedTuple):
    """A role and the token ranges that fill it, with exclusive ends: one, or several if it is discontinuous."""

    role: str
    parts: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class RoleScores:
    """Micro-averaged scores of arguments as fractions, with given predicates and without V.

    per_type: scores by role. perfect: the fraction of predicates without a missed or superfluous argument. predicates:
    scores of the predicates found by the model. report: the table of the script.
    """

    f1: float
    precision: float
    recall: float
    perfect: float
    per_type: dict[str, Counts]
    predicates: Counts
    report: str

    def as_dict(self) -> dict[str, Any]:
        """The scores as JSON values."""
        return {
            "f1": self.f1,
            "precision": self.precision,
            "recall": self.recall,
            "perfect": self.perfect,
            "per_type": {name: counts.as_dict() for name, counts in self.per_type.items()},
            "predicates": self.predicates.as_dict(),
        }


def arguments(tags: Tags) -> list[Argument]:
    """The arguments of one predicate from its BIO tags, including V.

    A span `C-X` continues the last preceding argument of role X, and both form one argument; if there is none, it is an
    argument of role X. `R-X` is a separate role.
    """
    found: list[Argument] = []
    last: dict[str, int] = {}
    for label, start, end in repair(tags, "BIO"):
        role = label.removeprefix("C-")
        if role != label and role in last:
            place = last[role]
            found[place] = Argument(role, (*found[place].parts, (start, end)))
        else:
            last[role] = len(found)
            found.append(Argument(role, ((start, end),)))
    return found


def count_arguments(gold: Tags, predicted: Tags) -> Counts:
    """Count the arguments of one predicate without V; an argument is correct if its role and all parts agree."""
    return sum_counts(c for role, c in _count([(gold, predicted)]).items() if role != PREDICATE)


def score_roles(framed: Sequence[Pair], plain: Sequence[Pair] = ()) -> RoleScores:
    """Score arguments and predicates.

    framed: gold and predicted BIO tags of the arguments of each predicate; plain: those that mark the predicates of
    each sentence.

    Raises:
        ValueError: gold and predicted tags of a pair differ in length.
    """
    if any(len(ours) != len(theirs) for ours, theirs in (*framed, *plain)):
        raise ValueError("gold and predicted tags differ in length")
    by_role = _count(framed)
    roles = {role: counts for role, counts in by_role.items() if role != PREDICATE}
    total = sum_counts(roles.values())
    each = [count_arguments(*pair) for pair in framed]
    perfect = sum(c.gold == c.predicted == c.correct for c in each) / len(each) if each else 0.0
    predicates = conlleval_counts([ours for ours, _ in plain], [theirs for _, theirs in plain])
    return RoleScores(
        f1=total.f1,
        precision=total.precision,
        recall=total.recall,
        perfect=perfect,
        per_type=roles,
        predicates=predicates,
        report=_table(len(framed), perfect, {"Overall": total, **roles}, by_role.get(PREDICATE), predicates),
    )


def _count(pairs: Sequence[Pair]) -> dict[str, Counts]:
    """Counts by role, sorted by role."""
    there, guessed, right = Counter[str](), Counter[str](), Counter[str]()
    for ours, theirs in pairs:
        known, proposed = set(arguments(ours)), set(arguments(theirs))
        there.update(argument.role for argument in known)
        guessed.update(argument.role for argument in proposed)
        right.update(argument.role for argument in known & proposed)
    return {role: Counts(there[role], guessed[role], right[role]) for role in sorted(there | guessed)}


def _table(
    propositions: int, perfect: float, roles: Mapping[str, Counts], verb: Counts | None, predicates: Counts
) -> str:
    """The columns of the script: correct, superfluous and missed arguments, then per cent."""
    width = max(12, *map(len, roles))
    rule = "-" * (width + 51)
    lines = [
        f"Number of propositions:         {propositions:7d}",
        f"Percentage of perfect props:    {100 * perfect:7.2f}",
        "",
        f"{'':{width}}{'corr.':>9}{'excess':>8}{'missed':>8}{'prec.':>9}{'rec.':>8}{'F1':>8}",
        rule,
    ]
    for name, counts in [*roles.items(), *([(PREDICATE, verb)] if verb else []), ("predicates found", predicates)]:
        excess, missed = counts.predicted - counts.correct, counts.gold - counts.correct
        per_cent = "".join(f"{100 * x:{w}.2f}" for x, w in ((counts.precision, 9), (counts.recall, 8), (counts.f1, 8)))
        if name in (PREDICATE, "predicates found"):
            lines.append(rule)
        lines.append(f"{name:{width}}{counts.correct:9d}{excess:8d}{missed:8d}{per_cent}")
        if name == "Overall":
            lines.append(rule)
    return "\n".join(lines) + "\n"
