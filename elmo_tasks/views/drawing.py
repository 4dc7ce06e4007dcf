"""What all pictures share."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elmo_tasks.core.files import SIGNATURE, atomic_file, disk_faults

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@contextmanager
def drawing(style: Any = None) -> Iterator[None]:
    """Draw and save within this: text in a picture is only text, whatever characters it has.

    Dollar signs set no mathematics, and a character that the font lacks becomes a box without a warning. style: further
    `rcParams` of matplotlib.
    """
    from matplotlib import rc_context

    with rc_context({"text.parse_math": False, **(style or {})}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        yield


def save_picture(figure: Figure, path: Path, dpi: int = 120) -> None:
    """Write a picture in the format of its extension, whole or not at all, signed so that we know it again.

    Raises:
        InputError: the disk refuses.
    """
    kind = path.suffix.removeprefix(".")
    about = {"svg": {"Creator": SIGNATURE}, "png": {"Software": SIGNATURE}}[kind]
    with disk_faults(path), atomic_file(path) as partial:
        figure.savefig(partial, format=kind, dpi=dpi, metadata=about)
