"""Which sequences run together."""

from __future__ import annotations

from collections.abc import Sequence


def length_groups(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Indices by falling length, a new group where longest x count would pass `budget`; a group has one at least."""
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if groups and lengths[groups[-1][0]] * (len(groups[-1]) + 1) <= budget:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups
