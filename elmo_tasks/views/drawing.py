"""Common functions for all pictures."""

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
    """Draw and save within this context, in which text is shown literally.

    Dollar signs do not start mathematics, and a character missing in the font becomes a box without a warning. style:
    further `rcParams` of matplotlib.
    """
    from matplotlib import rc_context

    with rc_context({"text.parse_math": False, **(style or {})}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        yield


def save_picture(figure: Figure, path: Path, dpi: int = 120) -> None:
    """Write a picture in the format of its extension, completely or not at all, with our signature.

    Raises:
        InputError: the file cannot be written.
    """
    kind = path.suffix.removeprefix(".")
    about = {"svg": {"Creator": SIGNATURE}, "png": {"Software": SIGNATURE}}[kind]
    with disk_faults(path), atomic_file(path) as partial:
        figure.savefig(partial, format=kind, dpi=dpi, metadata=about)
