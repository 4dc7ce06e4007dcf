"""The trained taggers inside the package, by name. Each is a run folder with 16-bit weights and a model card."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "taggers"


def tagger_names() -> list[str]:
    """The names of the taggers, in alphabetical order."""
    return sorted(path.parent.name for path in _FOLDER.glob("*/model.safetensors"))


def tagger_folder(name: str) -> Path | None:
    """The run folder of a tagger, or None if there is no tagger of that name."""
    return _FOLDER / name if name in tagger_names() else None
