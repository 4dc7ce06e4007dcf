"""The architecture of a biLM: bilm-tf's `options.json` as a frozen value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elmo_tasks.core.errors import InputError


@dataclass(frozen=True, slots=True)
class BilmOptions:
    """What `options.json` of bilm-tf says about the architecture. The defaults are the `original` model's.

    Training keys (`n_epochs`, `batch_size`, ...) live in the pre-training options; they are kept by `from_dict`
    in `extra` so that a file that is read and written again loses nothing.
    """

    char_dim: int = 16
    filters: tuple[tuple[int, int], ...] = ((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024))
    max_characters: int = 50
    activation: str = "relu"
    n_highway: int = 2
    cell_dim: int = 4096
    projection_dim: int = 512
    n_layers: int = 2
    cell_clip: float | None = 3.0
    proj_clip: float | None = 3.0
    skip_connections: bool = True
    extra: tuple[tuple[str, Any], ...] = ()

    @property
    def n_filters(self) -> int:
        """Width of the char-CNN's output, the highway layers' width."""
        return sum(count for _, count in self.filters)

    @property
    def width(self) -> int:
        """Width of one layer of ELMo vectors: both directions side by side."""
        return 2 * self.projection_dim

    @classmethod
    def from_dict(cls, options: Mapping[str, Any], source: str = "options") -> BilmOptions:
        """Read the nested dictionary of an `options.json`.

        Raises:
            InputError: a key is missing or has a value that makes no biLM; the message names it and `source`.
        """
        try:
            cnn, lstm = options["char_cnn"], options["lstm"]
            activation = str(cnn["activation"])
            parsed = cls(
                char_dim=int(cnn["embedding"]["dim"]),
                filters=tuple((int(width), int(count)) for width, count in cnn["filters"]),
                max_characters=int(cnn["max_characters_per_token"]),
                activation=activation,
                n_highway=int(cnn.get("n_highway", 0) or 0),
                cell_dim=int(lstm["dim"]),
                projection_dim=int(lstm["projection_dim"]),
                n_layers=int(lstm.get("n_layers", 1)),
                cell_clip=_clip(lstm.get("cell_clip")),
                proj_clip=_clip(lstm.get("proj_clip")),
                skip_connections=bool(lstm.get("use_skip_connections", False)),
                extra=tuple((key, value) for key, value in options.items() if key not in ("char_cnn", "lstm")),
            )
        except KeyError as error:
            raise InputError(f"{source}: expected the key {error} of a bilm-tf options.json, found none") from None
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(f"{source}: not the options of a biLM ({error})") from None
        if activation not in ("relu", "tanh"):
            raise InputError(f"{source}: expected char_cnn.activation 'relu' or 'tanh', got {activation!r}")
        sizes = (parsed.char_dim, parsed.cell_dim, parsed.projection_dim, parsed.n_layers, *sum(parsed.filters, ()))
        if not parsed.filters or min(sizes) < 1 or parsed.n_highway < 0:
            raise InputError(f"{source}: expected sizes of 1 or more in char_cnn and lstm, got less or no filter")
        widest = max(width for width, _ in parsed.filters)
        if parsed.max_characters < max(3, widest):
            raise InputError(
                f"{source}: expected char_cnn.max_characters_per_token of at least {max(3, widest)} (the widest filter "
                f"must fit), got {parsed.max_characters}"
            )
        return parsed

    @classmethod
    def from_json(cls, text: str, source: str = "options.json") -> BilmOptions:
        """Parse the text of an `options.json`. Raises InputError when it is not JSON or not such a file."""
        try:
            options = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"{source}:{error.lineno}: expected JSON, got {error.msg}") from None
        if not isinstance(options, dict):
            raise InputError(f"{source}: expected a JSON object, got {type(options).__name__}")
        return cls.from_dict(options, source)

    def to_dict(self) -> dict[str, Any]:
        """The nested dictionary of `options.json`, for use (`n_characters` 262), that bilm-tf and AllenNLP read."""
        return dict(self.extra) | {
            "char_cnn": {
                "activation": self.activation,
                "embedding": {"dim": self.char_dim},
                "filters": [list(pair) for pair in self.filters],
                "max_characters_per_token": self.max_characters,
                "n_characters": 262,
                "n_highway": self.n_highway,
            },
            "lstm": {
                "cell_clip": self.cell_clip,
                "dim": self.cell_dim,
                "n_layers": self.n_layers,
                "proj_clip": self.proj_clip,
                "projection_dim": self.projection_dim,
                "use_skip_connections": self.skip_connections,
            },
        }

    def to_json(self) -> str:
        """The text of `options.json`."""
        return json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"


def _clip(value: Any) -> float | None:
    """bilm-tf writes a missing clip as null, 0 or no key at all."""
    return float(value) if value else None
