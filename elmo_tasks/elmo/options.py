"""The architecture of a biLM: bilm-tf's `options.json` as a frozen value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elmo_tasks.core.errors import InputError

MOST_LAYERS, WIDEST, MOST_CHARACTERS = 100, 1 << 20, 10_000
"""Limits of other people's options: filters, highways or LSTM layers; any width; characters of a word."""

SPECIAL_CHARACTERS = ("<bos>", "<eos>", "<bow>", "<eow>", "<oov>", "<pad>")
SPECIAL_WORDS = ("<oov>", "<pad>")

# Keys of options that bilm-tf's descendants write: the one value that our biLM computes, and what another one means.
_ONE_VALUE = {
    "bidirectional": (True, "so there is one language model instead of two"),
    "reverse": (False, "so the text was read from its end"),
    "projection_after_highway": (True, "so the projection comes before the highway layers"),
}


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The characters and words that a biLM of ELMoForManyLangs knows; the number of each is its position.

    characters: Unicode characters, and `SPECIAL_CHARACTERS` among them.
    words: words that have a vector of their own in addition to that of their characters, and `SPECIAL_WORDS` among
        them; none in a biLM that reads characters only.
    word_dim: width of the words' vectors.
    """

    characters: tuple[str, ...] = field(repr=False)
    words: tuple[str, ...] = field(default=(), repr=False)
    word_dim: int = 0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Dictionary:
        """Read what `to_dict` returns. Raises KeyError, TypeError or ValueError if it is something else."""
        made = cls(tuple(values["characters"]), tuple(values["words"]), int(values["word_dim"]))
        if not all(isinstance(entry, str) for entry in (*made.characters, *made.words)):
            raise TypeError("a dictionary has strings only")
        known: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
            ("characters", made.characters, SPECIAL_CHARACTERS)
        ]
        if made.words:
            known.append(("words", made.words, SPECIAL_WORDS))
        for kind, entries, specials in known:
            if lacking := sorted(set(specials) - set(entries)):
                raise ValueError(f"no {lacking[0]} among the {kind} of the dictionary")
        if (made.word_dim < 1) if made.words else (made.word_dim != 0):
            raise ValueError(f"{len(made.words)} words with vectors of width {made.word_dim}")
        return made

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return {"characters": list(self.characters), "words": list(self.words), "word_dim": self.word_dim}


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
    dictionary: Dictionary | None = None
    extra: tuple[tuple[str, Any], ...] = ()

    @property
    def n_filters(self) -> int:
        """Width of the char-CNN's output, the highway layers' width."""
        return sum(count for _, count in self.filters)

    @property
    def word_dim(self) -> int:
        """Width of the vectors of whole words; 0 if the biLM reads characters only."""
        return 0 if self.dictionary is None else self.dictionary.word_dim

    @property
    def n_characters(self) -> int:
        """Number of character ids, that of an absent word (0) counted."""
        return 262 if self.dictionary is None else 1 + len(self.dictionary.characters)

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
        _refuse_other_models(options, source)
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
                dictionary=Dictionary.from_dict(cnn["dictionary"]) if "dictionary" in cnn else None,
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
        if max(len(parsed.filters), parsed.n_highway, parsed.n_layers) > MOST_LAYERS or max(sizes) > WIDEST:
            raise InputError(
                f"{source}: expected at most {MOST_LAYERS} filters, highways and layers, and widths of at most "
                f"{WIDEST:,}; the file is damaged"
            )
        if parsed.max_characters > MOST_CHARACTERS:
            raise InputError(
                f"{source}: expected char_cnn.max_characters_per_token of at most {MOST_CHARACTERS:,}, got "
                f"{parsed.max_characters:,}"
            )
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
        except (ValueError, RecursionError) as error:  # a number of too many digits, or nested too deep
            raise InputError(f"{source}: expected the options of a biLM, got JSON beyond limits ({error})") from None
        if not isinstance(options, dict):
            raise InputError(f"{source}: expected a JSON object, got {type(options).__name__}")
        return cls.from_dict(options, source)

    def to_dict(self) -> dict[str, Any]:
        """The nested dictionary of `options.json`, for use (`n_characters` 262), that bilm-tf and AllenNLP read.

        With a dictionary it is our own: neither of them knows such biLMs.
        """
        of_dictionary = {"dictionary": self.dictionary.to_dict()} if self.dictionary is not None else {}
        return dict(self.extra) | {
            "char_cnn": {
                **of_dictionary,
                "activation": self.activation,
                "embedding": {"dim": self.char_dim},
                "filters": [list(pair) for pair in self.filters],
                "max_characters_per_token": self.max_characters,
                "n_characters": self.n_characters,
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


def _refuse_other_models(options: Mapping[str, Any], source: str) -> None:
    """Raise where options speak of a language model that is not a biLM over characters, or is computed otherwise."""
    cnn, lstm = options.get("char_cnn"), options.get("lstm")
    if cnn is None and isinstance(lstm, Mapping):
        raise InputError(
            f"{source}: no char_cnn, so these are the options of a word-level biLM, with vectors only for the words "
            "of its vocabulary; only biLMs over characters can be read; `elmo-tasks pretrain` trains one on your text"
        )
    for part in (options, cnn, lstm):
        for key, (only, why) in _ONE_VALUE.items():
            if isinstance(part, Mapping) and part.get(key, only) not in (only, None):
                raise InputError(f"{source}: {key} is {part[key]!r:.40}, {why}; only {json.dumps(only)} can be read")


def _clip(value: Any) -> float | None:
    """bilm-tf writes a missing clip as null, 0 or no key at all."""
    return float(value) if value else None
