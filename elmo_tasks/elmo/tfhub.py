"""A drop-in for TensorFlow Hub's `google/elmo`, with torch tensors and without TensorFlow.

Examples:
    >>> from elmo_tasks.elmo import tfhub as hub
    >>> elmo = hub.load()
    >>> outputs = elmo(["the cat is on the mat", "dogs are in the fog"], signature="default", as_dict=True)
    >>> {name: tuple(tensor.shape) for name, tensor in outputs.items()}
    {'word_emb': (2, 6, 128), 'lstm_outputs1': (2, 6, 256), 'lstm_outputs2': (2, 6, 256), 'elmo': (2, 6, 256),
     'default': (2, 256)}
    >>> tokens = [["the", "cat", "sat"], ["dogs", "bark", ""]]
    >>> elmo({"tokens": tokens, "sequence_len": [3, 2]}, signature="tokens").shape
    torch.Size([2, 256])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.sentences import checked_sentences
from elmo_tasks.elmo.scalar_mix import ScalarMix
from elmo_tasks.elmo.weights.resolve import load_bilm

__all__ = ["Module", "load"]

SIGNATURES = ("default", "tokens")


class Module(nn.Module):
    """TF-Hub's ELMo module: maps texts or padded tokens to a dictionary of layers, their mix and its mean.

    The mix is `gamma * sum_l softmax(w)_l * layer_l`, initially a third of each layer and gamma 1: the four scalars
    that TF-Hub's module trains. The biLM is frozen.

    Args:
        spec: the name, folder or files of a biLM, as for `load_bilm`.
        trainable: whether the four scalars are trained; false by default, as in TF-Hub.

    Raises:
        InputError: the biLM does not exist. TF-Hub's addresses lead to TensorFlow weights, which cannot be read.
    """

    def __init__(self, spec: str = "default", trainable: bool = False) -> None:
        super().__init__()
        if "tfhub.dev" in spec:
            raise InputError(
                f"{spec}: weights of TF-Hub cannot be read, only those of bilm-tf or this package; use `original`, "
                "which has the same architecture and training text"
            )
        self.bilm = load_bilm(spec)
        self.mix = ScalarMix(self.bilm.n_layers, trainable=trainable)

    @property
    def signatures(self) -> dict[str, Callable[..., dict[str, Tensor]]]:
        """The two signatures as functions that return all outputs, as with `hub.load` of TF 2."""
        return {"default": self.embed_texts, "tokens": self.embed_tokens}

    def forward(
        self, inputs: Any, signature: str | None = None, as_dict: bool | None = None
    ) -> Tensor | dict[str, Tensor]:
        """Run one signature.

        Args:
            inputs: texts for `default`; `{"tokens": ..., "sequence_len": ...}` for `tokens`.
            signature: `default` or `tokens`.
            as_dict: return all outputs, not only the one named `default`.

        Returns:
            `default`, (B, D), or all outputs by name, see `embed_tokens`.

        Raises:
            InputError: the signature is unknown, or the inputs do not fit it.
        """
        signature = signature or "default"
        if signature not in SIGNATURES:
            raise InputError(f"signature must be one of {', '.join(SIGNATURES)}, not {signature!r}")
        if signature == "default":
            outputs = self.embed_texts(inputs)
        else:
            if not isinstance(inputs, Mapping) or set(inputs) != {"tokens", "sequence_len"}:
                raise InputError(
                    "signature tokens: the inputs must be a dictionary with the keys tokens and sequence_len"
                )
            outputs = self.embed_tokens(**inputs)
        return outputs if as_dict else outputs["default"]

    def embed_texts(self, texts: Iterable[str]) -> dict[str, Tensor]:
        """The signature `default`: texts are split at spaces. Returns the same as `embed_tokens`."""
        if isinstance(texts, (str, bytes)):
            raise InputError("signature default: the input must be a list of texts, not a single text")
        sentences = []
        for text in texts:
            if not isinstance(text, str):
                raise InputError(f"signature default: the inputs must be texts, not {type(text).__name__}")
            sentences.append([word for word in text.split(" ") if word])
        return self._outputs(sentences, max((len(words) for words in sentences), default=0))

    def embed_tokens(self, tokens: Sequence[Sequence[str]], sequence_len: Iterable[Any]) -> dict[str, Tensor]:
        """The signature `tokens`.

        Args:
            tokens: (B, T) words, with "" after shorter sentences.
            sequence_len: (B,) the number of words of each sentence.

        Returns:
            `word_emb` (B, T, D / 2), `lstm_outputs1`, `lstm_outputs2`, `elmo` (B, T, D), all zero after the end of a
            sentence, and `default` (B, D), the mean of `elmo` over the words of the sentence.

        Raises:
            InputError: the rows differ in length, or the lengths do not fit them.
        """
        tokens = checked_sentences(tokens, "tokens")
        lengths = [int(length) for length in sequence_len]
        width = max((len(row) for row in tokens), default=0)
        if len(lengths) != len(tokens) or any(len(row) != width for row in tokens):
            raise InputError(
                'tokens: rows must have the same length, padded with "", and one sequence_len each, but there are '
                f"rows of {sorted({len(row) for row in tokens})} words and {len(lengths)} lengths for {len(tokens)} "
                "rows"
            )
        if any(not 0 <= length <= width for length in lengths):
            raise InputError(f"sequence_len: lengths must be from 0 to {width}, not {lengths}")
        return self._outputs([list(row[:length]) for row, length in zip(tokens, lengths, strict=True)], width)

    def _outputs(self, sentences: list[list[str]], width: int) -> dict[str, Tensor]:
        """All outputs for sentences without padding, with `width` positions each."""
        ids = self.bilm.batch_to_ids(sentences).to(self.mix.gamma.device)
        ids = functional.pad(ids, (0, 0, 0, width - ids.shape[1]))  # (B, T, C)
        layers, mask, _ = self.bilm(ids)  # (B, L, T, D), (B, T)
        mixed = self.mix(layers, mask)  # (B, T, D), zero where all layers are
        words = mask.sum(dim=1, keepdim=True).clamp(min=1)  # (B, 1)
        bottom, *above = layers.unbind(dim=1)
        return {
            "word_emb": bottom[..., : self.bilm.options.projection_dim],  # both halves of layer 0 are the word vector
            **{f"lstm_outputs{number}": layer for number, layer in enumerate(above, 1)},
            "elmo": mixed,
            "default": mixed.sum(dim=1) / words,
        }


def load(name_or_folder: str = "default", trainable: bool = True) -> Module:
    """Load a `Module` by the name, folder or files of its biLM (see `load_bilm`), with four trainable scalars.

    Examples:
        >>> sum(parameter.numel() for parameter in load().parameters() if parameter.requires_grad)
        4
    """
    return Module(name_or_folder, trainable)
