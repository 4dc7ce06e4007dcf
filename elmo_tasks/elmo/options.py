"""The architecture of a biLM: bilm-tf's `options.json` as a frozen dataclass."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elmo_tasks.core.errors import InputError

MOST_LAYERS, WIDEST, MOST_CHARACTERS = 100, 1 << 20, 10_000
"""Limits for options files: number of filters, highway or LSTM layers; any width; characters of a word."""

SPECIAL_CHARACTERS = ("<bos>", "<eos>", "<bow>", "<eow>", "<oov>", "<pad>")
SPECIAL_WORDS = ("<oov>", "<pad>")

# Keys written by descendants of bilm-tf: the only value that our biLM supports, and what another value means.
_ONE_VALUE = {
    "bidirectional": (True, "so there is one language model instead of two"),
    "reverse": (False, "so the text was read from its end"),
    "projection_after_highway": (True, "so the projection comes before the highway layers"),
}


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The characters and words known to an ELMoForManyLangs biLM; the number of each is its position.

    characters: Unicode characters, including `SPECIAL_CHARACTERS`.
    words: words with their own vectors in addition to those of their characters, including `SPECIAL_WORDS`; empty for a
        biLM that reads only characters.
    word_dim: width of the word vectors.
    """

    characters: tuple[str, ...] = field(repr=False)
    words: tuple[str, ...] = field(default=(), repr=False)
    word_dim: int = 0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Dictionary:
        """Read the output of `to_dict`. Raises KeyError, TypeError or ValueError if it is malformed."""
        made = cls(tuple(values["characters"]), tuple(values["words"]), int(values["word_dim"]))
        if not all(isinstance(entry, str) for entry in (*made.characters, *made.words)):
            raise TypeError("the dictionary must contain only strings")
        known: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
            ("characters", made.characters, SPECIAL_CHARACTERS)
        ]
        if made.words:
            known.append(("words", made.words, SPECIAL_WORDS))
        for kind, entries, specials in known:
            if lacking := sorted(set(specials) - set(entries)):
                raise ValueError(f"{lacking[0]} is missing among the {kind} of the dictionary")
        if (made.word_dim < 1) if made.words else (made.word_dim != 0):
            raise ValueError(f"{len(made.words)} words with vectors of width {made.word_dim}")
        return made

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that can be written as JSON."""
        return {"characters": list(self.characters), "words": list(self.words), "word_dim": self.word_dim}


@dataclass(frozen=True, slots=True)
class BilmOptions:
    """The architecture described by bilm-tf's `options.json`. The defaults are those of the `original` model.

    Training keys (`n_epochs`, `batch_size`, ...) belong to the pre-training options; `from_dict` keeps them in `extra`,
    so that nothing is lost when a file is read and written again.
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
        """Width of the output of the char-CNN and of the highway layers."""
        return sum(count for _, count in self.filters)

    @property
    def word_dim(self) -> int:
        """Width of the vectors of whole words; 0 if the biLM reads only characters."""
        return 0 if self.dictionary is None else self.dictionary.word_dim

    @property
    def n_characters(self) -> int:
        """Number of character ids, including 0 for an absent word."""
        return 262 if self.dictionary is None else 1 + len(self.dictionary.characters)

    @property
    def width(self) -> int:
        """Width of one layer of ELMo vectors: both directions concatenated."""
        return 2 * self.projection_dim

    @classmethod
    def from_dict(cls, options: Mapping[str, Any], source: str = "options") -> BilmOptions:
        """Read the nested dictionary of an `options.json`.

        Raises:
            InputError: a key is missing or has an invalid value; the message names it and `source`.
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
            raise InputError(f"{source}: the key {error} of a bilm-tf options.json is missing") from None
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(f"{source}: not the options of a biLM ({error})") from None
        if activation not in ("relu", "tanh"):
            raise InputError(f"{source}: char_cnn.activation must be 'relu' or 'tanh', not {activation!r}")
        sizes = (parsed.char_dim, parsed.cell_dim, parsed.projection_dim, parsed.n_layers, *sum(parsed.filters, ()))
        if not parsed.filters or min(sizes) < 1 or parsed.n_highway < 0:
            raise InputError(f"{source}: sizes in char_cnn and lstm must be 1 or more, with at least one filter")
        if max(len(parsed.filters), parsed.n_highway, parsed.n_layers) > MOST_LAYERS or max(sizes) > WIDEST:
            raise InputError(
                f"{source}: more than {MOST_LAYERS} filters, highway layers or layers, or a width above {WIDEST:,}; "
                "the file is damaged"
            )
        if parsed.max_characters > MOST_CHARACTERS:
            raise InputError(
                f"{source}: char_cnn.max_characters_per_token must be at most {MOST_CHARACTERS:,}, not "
                f"{parsed.max_characters:,}"
            )
        widest = max(width for width, _ in parsed.filters)
        if parsed.max_characters < max(3, widest):
            raise InputError(
                f"{source}: char_cnn.max_characters_per_token must be at least {max(3, widest)} (the widest filter "
                f"must fit), not {parsed.max_characters}"
            )
        return parsed

    @classmethod
    def from_json(cls, text: str, source: str = "options.json") -> BilmOptions:
        """Parse the text of an `options.json`. Raises InputError if it is not JSON or not such a file."""
        try:
            options = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"{source}:{error.lineno}: not valid JSON ({error.msg})") from None
        except (ValueError, RecursionError) as error:  # a number with too many digits, or nested too deeply
            raise InputError(f"{source}: not the options of a biLM: the JSON exceeds limits ({error})") from None
        if not isinstance(options, dict):
            raise InputError(f"{source}: must be a JSON object, not {type(options).__name__}")
        return cls.from_dict(options, source)

    def to_dict(self) -> dict[str, Any]:
        """The nested dictionary of an `options.json` for use (`n_characters` 262), as read by bilm-tf and AllenNLP.

        If there is a dictionary, the format is our own, because neither of them supports such biLMs.
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
    """Raises InputError for options of other language models than biLMs over characters, or of other variants."""
    cnn, lstm = options.get("char_cnn"), options.get("lstm")
    if cnn is None and isinstance(lstm, Mapping):
        raise InputError(
            f"{source}: there is no char_cnn, so these are the options of a word-level biLM, with vectors only for the "
            "words of its vocabulary; only biLMs over characters can be read; train one with `elmo-tasks pretrain`"
        )
    for part in (options, cnn, lstm):
        for key, (only, why) in _ONE_VALUE.items():
            if isinstance(part, Mapping) and part.get(key, only) not in (only, None):
                raise InputError(f"{source}: {key} is {part[key]!r:.40}, {why}; only {json.dumps(only)} can be read")


def _clip(value: Any) -> float | None:
    """The clip value; bilm-tf writes none as null, 0 or a missing key."""
    return float(value) if value else None
