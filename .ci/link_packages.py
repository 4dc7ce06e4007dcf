"""Link what packages require, and nothing else, from the environment that runs this into another environment.

    python link_packages.py REQUIREMENT... INTO

So a wheel meets exactly the packages that it asks for, without a second download and installation of them.
INTO is the other environment's site-packages folder. A REQUIREMENT itself is not linked, only what it needs.
"""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement


def needed(requirement: Requirement, found: dict[tuple[str, str], Distribution]) -> None:
    """Add to found, by name and extra, the distribution that a requirement names and all that it needs."""
    for extra in ("", *sorted(requirement.extras)):
        if (requirement.name, extra) in found:
            continue
        found[requirement.name, extra] = distribution(requirement.name)
        for text in found[requirement.name, extra].requires or ():
            further = Requirement(text)
            conditional = further.marker and not further.marker.evaluate({"extra": ""})
            # Without an extra: what is needed always. With one: what is needed because of it alone.
            if (not conditional) if not extra else (conditional and further.marker.evaluate({"extra": extra})):
                needed(further, found)


def link(package: Distribution, into: Path) -> None:
    """Link a distribution's top-level files and folders, its metadata among them."""
    for name in sorted({file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}):
        if not (into / name).exists():
            (into / name).symlink_to(Path(str(package.locate_file(name))).resolve())


if __name__ == "__main__":
    *names, folder = sys.argv[1:]
    packages: dict[tuple[str, str], Distribution] = {}
    for each in names:
        needed(Requirement(each), packages)
    own = {Requirement(each).name for each in names}
    linked = {name: package for (name, _), package in packages.items() if name not in own}
    for package in linked.values():
        link(package, Path(folder))
    print(f"{len(linked)} packages linked")
