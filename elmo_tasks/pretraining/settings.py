"""The options of a pre-training run: the keys of bilm-tf's `options.json`, and a few of this package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import config_path
from elmo_tasks.core.settings import Layers, bounded, check, from_mapping, shown, to_dict
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.pretraining.corpus import SPECIALS

_ONLY = {
    "bidirectional": (True, "ELMo reads in both directions"),
    "sample_softmax": (True, "training samples words; `pretrain eval` computes the full softmax"),
    "share_embedding_softmax": (False, "the input is characters, which share nothing with the softmax's words"),
}
"""Keys of bilm-tf for which only one value is supported here, and why."""


@dataclass(frozen=True)
class EmbeddingSettings:
    """`char_cnn.embedding`. dim: width of a character's embedding."""

    dim: int = bounded(least=1)


@dataclass(frozen=True)
class CharCnnSettings:
    """`char_cnn`: the encoder of words.

    embedding: of the characters.
    filters: pairs of (filter width, number of filters).
    activation: of the filters.
    max_characters_per_token: longer words are truncated.
    n_highway: number of highway layers.
    n_characters: 261, or 262 with the padding; both mean the same.
    """

    embedding: EmbeddingSettings
    filters: tuple[tuple[int, int], ...]
    activation: Literal["relu", "tanh"]
    max_characters_per_token: int = bounded(least=1)
    n_highway: int = bounded(0, least=0)
    n_characters: Literal[261, 262] = 261


@dataclass(frozen=True)
class LstmSettings:
    """`lstm`: the two language models.

    dim: size of the cell state.
    projection_dim: output size of a layer per direction.
    n_layers: number of layers.
    cell_clip, proj_clip: largest absolute value of a cell and of an output; null or 0 disables clipping.
    use_skip_connections: whether the input of a layer is added to its output, from the second layer on.
    """

    dim: int = bounded(least=1)
    projection_dim: int = bounded(least=1)
    n_layers: int = bounded(1, least=1)
    cell_clip: float | None = bounded(None, least=0)
    proj_clip: float | None = bounded(None, least=0)
    use_skip_connections: bool = False


@dataclass(frozen=True)
class PretrainConfig:
    """The fields of bilm-tf with its names and defaults, and those of this package.

    bilm: the architecture, from `lstm` and `char_cnn`.
    dropout: rate at the input and output of each layer.
    fresh_sentences: whether the state is reset at the start of a sentence, as at inference; bilm-tf carries it over.
    batch_size: streams of all processes together; bilm-tf counts those of one GPU.
    unroll_steps: tokens per window.
    n_negative_samples_batch: words sampled for the softmax per window.
    all_clip_norm_val: largest norm of the gradient.
    n_epochs: number of epochs, which may be a fraction such as 0.5.
    n_tokens_vocab: largest number of words in the softmax; null for no limit.
    min_count: smallest count of a word in the softmax.
    optimizer: `adagrad`, as in bilm-tf, or `adamw`.
    learning_rate: after the warm-up.
    warmup: number of windows over which the learning rate rises.
    decay: the last fraction of the run, over which the learning rate falls to 0.
    accumulate: windows per update.
    windows_per_encoding: windows whose distinct words are encoded at once, and per update of the character encoder: 1,
        or a multiple of `accumulate`.
    precision: of the matrix products.
    compile: whether torch.compile fuses the element-wise parts.
    checkpoint_minutes: minutes between two checkpoints.
    checkpoint_windows: windows between two checkpoints; null to go by time only.
    heldout_windows: windows between two held-out perplexities.
    seed: of all random numbers.
    """

    bilm: BilmOptions = field(default_factory=BilmOptions)
    dropout: float = bounded(0.1, least=0, below=1)
    fresh_sentences: bool = False
    batch_size: int = bounded(128, least=1)
    unroll_steps: int = bounded(20, least=1)
    n_negative_samples_batch: int = bounded(8192, least=1)
    all_clip_norm_val: float = bounded(10.0, above=0)
    n_epochs: float = bounded(10, above=0)
    n_tokens_vocab: int | None = bounded(None, above=len(SPECIALS))
    min_count: int = bounded(1, least=1)
    optimizer: Literal["adagrad", "adamw"] = "adagrad"
    learning_rate: float = bounded(0.2, above=0)
    warmup: int = bounded(0, least=0)
    decay: float = bounded(0.0, least=0, most=1)
    accumulate: int = bounded(1, least=1)
    windows_per_encoding: int = bounded(1, least=1)
    precision: Literal["bf16", "32"] = "bf16"
    compile: bool = False
    checkpoint_minutes: float = bounded(10.0, least=0)
    checkpoint_windows: int | None = bounded(None, least=1)
    heldout_windows: int = bounded(2000, least=1)
    seed: int = bounded(1, least=0, most=2**32 - 1)

    def __post_init__(self) -> None:
        check(self)
        if self.windows_per_encoding > 1 and self.windows_per_encoding % self.accumulate:
            raise InputError(
                f"windows_per_encoding={self.windows_per_encoding} is not a multiple of accumulate={self.accumulate}; "
                "use 1 or a multiple of it"
            )


@dataclass(frozen=True)
class _Options(PretrainConfig):
    """The keys of an options.json as written in the file."""

    bilm: Any = None
    char_cnn: CharCnnSettings = field(kw_only=True)
    lstm: LstmSettings = field(kw_only=True)
    bidirectional: bool = True
    sample_softmax: bool = True
    share_embedding_softmax: bool = False
    n_train_tokens: int | None = None  # counted here: bilm-tf plans 1.5 million batches for 1,200 sentences otherwise


def load_pretrain_config(path: Path, settings: Sequence[str] = ()) -> PretrainConfig:
    """Read YAML or JSON, then `--set key=value` on top.

    Raises:
        InputError: the file does not exist, a key is unknown (the nearest is named), a value has the wrong type or is
            out of range, or bilm-tf supports it but this package does not, such as `bidirectional: false`.
    """
    layers, path = Layers(), config_path(path)
    layers.add_file(path)
    layers.add_set(settings)
    return from_options(layers.values, str(path), layers.places)


def from_options(values: Mapping[str, Any], origin: str, places: Mapping[str, str] | None = None) -> PretrainConfig:
    """Convert nested options to a config. origin: the file; places: see `from_mapping`."""
    if "bilm" in values:
        raise InputError(f"{origin}: unknown key 'bilm'; the architecture is given by lstm and char_cnn")
    options = from_mapping(_Options, values, places=places, origin=origin)
    for key, (only, why) in _ONLY.items():
        if getattr(options, key) is not only:
            raise InputError(f"{origin}: {key} must be {str(only).lower()}, not {shown(values[key])}; {why}")
    architecture = {"char_cnn": to_dict(options.char_cnn), "lstm": to_dict(options.lstm)}
    own = PretrainConfig.__dataclass_fields__.keys() - {"bilm"}
    return PretrainConfig(
        bilm=BilmOptions.from_dict(architecture, origin), **{name: getattr(options, name) for name in own}
    )
