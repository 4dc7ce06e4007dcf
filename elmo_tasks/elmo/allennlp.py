"""Drop-ins for AllenNLP's `Elmo`, `batch_to_ids`, `ElmoEmbedder` and `ElmoTokenEmbedder`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import atomic_file
from elmo_tasks.core.sentences import checked_sentence, checked_sentences
from elmo_tasks.elmo.allennlp_modules import ScalarMix, _ElmoBiLm, _ElmoCharacterEncoder
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.characters import batch_to_ids
from elmo_tasks.elmo.elmo_module import Elmo, ElmoOutput, arguments_of
from elmo_tasks.elmo.weights.hdf5_disk import hdf5_to_write
from elmo_tasks.elmo.weights.resolve import load_bilm, load_pair

__all__ = [
    "Elmo",
    "ElmoEmbedder",
    "ElmoOutput",
    "ElmoTokenEmbedder",
    "ScalarMix",
    "_ElmoBiLm",
    "_ElmoCharacterEncoder",
    "batch_to_ids",
]


Vectors = NDArray[np.float32]

FORMATS = ("all", "top", "average")
SENTENCE_TO_INDEX = "sentence_to_index"
"""The data set in AllenNLP's HDF5 files with the key of each sentence, as JSON."""


class ElmoEmbedder:
    """All layers of a biLM for tokenised sentences, as numpy arrays; a drop-in for AllenNLP's.

    Deviation: without files, the biLM in the package is used instead of downloading the original one, and no state is
    carried from call to call, so a sentence always gets the same vectors.

    Examples:
        >>> elmo = ElmoEmbedder()
        >>> elmo.embed_sentence(["The", "dog", "barks"]).shape
        (3, 3, 256)
        >>> [vectors.shape for vectors in elmo.embed_batch([["Rain", "!"], []])]
        [(3, 2, 256), (3, 0, 256)]

    Args:
        options_file, weight_file: paths or http addresses of a bilm-tf pair, both or none.
        cuda_device: the number of a CUDA device; -1 is the CPU.
        name: name of the biLM if no files are given, see `load_bilm`.

    Raises:
        InputError: only one of the files is given, a file is damaged, or the device does not exist.
    """

    def __init__(
        self,
        options_file: str | PathLike[str] | None = None,
        weight_file: str | PathLike[str] | None = None,
        cuda_device: int = -1,
        *,
        name: str = "default",
    ) -> None:
        if cuda_device >= torch.cuda.device_count():
            raise InputError(
                f"cuda_device must be below {torch.cuda.device_count()}, the number of CUDA devices, not "
                f"{cuda_device}; -1 is the CPU"
            )
        self.bilm = _load(options_file, weight_file, name)
        self.cuda_device = cuda_device
        self._device = torch.device("cpu" if cuda_device < 0 else f"cuda:{cuda_device}")
        self.bilm.to(self._device)

    @classmethod
    def from_pretrained(cls, name: str, cuda_device: int = -1) -> ElmoEmbedder:
        """Load an embedder by the name of its biLM: `small`, `original`, a folder, or `ORG/NAME` on the hub."""
        return cls(cuda_device=cuda_device, name=name)

    @property
    def elmo_bilm(self) -> _ElmoBiLm:
        """The biLM under AllenNLP's name; it shares the weights."""
        return _ElmoBiLm.of(self.bilm, None)

    @torch.no_grad()
    def batch_to_embeddings(self, batch: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
        """Layers (B, L, T, D), zero at absent words, and mask (B, T) bool, both on the device."""
        batch = checked_sentences(batch, "batch")
        output = self.bilm(self.bilm.batch_to_ids(batch).to(self._device))
        return output.layers, output.mask

    def embed_sentence(self, sentence: Sequence[str]) -> Vectors:
        """(L, T, D) float32; (L, 0, D) for a sentence without tokens."""
        return self.embed_batch([checked_sentence(sentence)])[0]

    def embed_batch(self, batch: Sequence[Sequence[str]]) -> list[Vectors]:
        """One (L, T, D) float32 array per sentence; the biLM runs once.

        Raises:
            InputError: a sentence is a string instead of a list of tokens.
        """
        batch = checked_sentences(batch, "batch")
        empty = np.zeros((self.bilm.n_layers, 0, self.bilm.width), np.float32)
        if not any(len(words) for words in batch):
            return [empty for _ in batch]
        layers, _ = self.batch_to_embeddings(batch)  # (B, L, T, D)
        arrays: Vectors = layers.cpu().numpy()
        return [arrays[row, :, : len(words)] if len(words) else empty for row, words in enumerate(batch)]

    def embed_sentences(self, sentences: Iterable[Sequence[str]], batch_size: int = 64) -> Iterator[Vectors]:
        """One (L, T, D) float32 array per sentence, in order, computed `batch_size` sentences at a time."""
        if isinstance(sentences, (str, bytes)):
            raise InputError(
                f"sentences must be a list of token lists, such as [text.split()], not a string: {sentences!r:.60}"
            )
        waiting = iter(sentences)
        while batch := list(islice(waiting, batch_size)):
            yield from self.embed_batch(batch)

    def embed_file(
        self,
        input_file: IO[str],
        output_file_path: str | PathLike[str],
        output_format: str = "all",
        batch_size: int = 64,
        forget_sentences: bool = False,
        use_sentence_keys: bool = False,
    ) -> None:
        """Embed one tokenised sentence per line into an HDF5 file with AllenNLP's layout, and close the input file.

        One float32 dataset per line, named by the line number from 0: (L, T, D) for `all`, (T, D) for `top` and
        `average`. `sentence_to_index` is a JSON object from sentence to key. The file appears when it is complete.

        Args:
            input_file: an open text file; tokens are separated by white space.
            output_file_path: the HDF5 file.
            output_format: `all` layers, the `top` one, or their `average`.
            batch_size: number of sentences per batch.
            forget_sentences: do not write `sentence_to_index`.
            use_sentence_keys: use the sentences themselves as keys and do not write `sentence_to_index`.

        Raises:
            InputError: the format is unknown, a line is blank, a sentence is not a valid key or occurs twice as one, or
                the output cannot be written.
        """
        import h5py

        if output_format not in FORMATS:
            raise InputError(f"output_format must be one of {', '.join(FORMATS)}, not {output_format!r}")
        with input_file:
            origin = getattr(input_file, "name", "input")
            sentences = [line.strip() for line in input_file]
        for number, sentence in enumerate(sentences, 1):
            if not sentence:
                raise InputError(f"{origin}:{number}: blank line; remove it")
        output = Path(output_file_path)
        try:
            with atomic_file(output) as partial, hdf5_to_write(partial) as file:
                vectors = self.embed_sentences((sentence.split() for sentence in sentences), batch_size)
                for number, (sentence, layers) in enumerate(zip(sentences, vectors, strict=True)):
                    key = sentence if use_sentence_keys else str(number)
                    try:
                        file.create_dataset(key, data=_reduced(layers, output_format))
                    except ValueError:  # from h5py, for a name that exists or that HDF5 does not allow
                        raise InputError(
                            f"{origin}:{number + 1}: the sentence {key!r} occurs twice or cannot be a key in HDF5; "
                            "leave out use_sentence_keys to use line numbers as keys"
                        ) from None
                if not (forget_sentences or use_sentence_keys):
                    keys = {sentence: str(number) for number, sentence in enumerate(sentences)}
                    index = file.create_dataset(SENTENCE_TO_INDEX, (1,), dtype=h5py.string_dtype())
                    index[0] = json.dumps(keys)
        except OSError as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{output}: cannot be written ({reason}); choose another file") from None


class ElmoTokenEmbedder(nn.Module):
    """One learned mix of the layers of a biLM, optionally projected; a drop-in for AllenNLP's.

    Deviation: without files, the biLM inside the package is used instead of downloading the original one.

    Examples:
        >>> ElmoTokenEmbedder(projection_dim=20)(batch_to_ids([["Rain", "fell"], ["No"]])).shape
        torch.Size([2, 2, 20])

    Args:
        options_file, weight_file: paths or http addresses of a bilm-tf pair, both or none.
        projection_dim: the width of a learned projection of the mix; none by default.
        do_layer_norm, dropout, requires_grad, vocab_to_cache, scalar_mix_parameters: as for `Elmo`.

    Raises:
        InputError: only one of the files is given, or `Elmo` raises it.
    """

    def __init__(
        self,
        options_file: str | PathLike[str] | None = None,
        weight_file: str | PathLike[str] | None = None,
        do_layer_norm: bool = False,
        dropout: float = 0.5,
        requires_grad: bool = False,
        projection_dim: int | None = None,
        vocab_to_cache: Sequence[str] | None = None,
        scalar_mix_parameters: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self._elmo = Elmo(  # AllenNLP's names, so that its checkpoints fit
            None,
            None,
            1,
            do_layer_norm=do_layer_norm,
            dropout=dropout,
            vocab_to_cache=vocab_to_cache,
            scalar_mix_parameters=scalar_mix_parameters,
            module=_load(options_file, weight_file).requires_grad_(requires_grad),
        )
        self.output_dim = projection_dim or self._elmo.get_output_dim()
        self._projection = nn.Linear(self._elmo.get_output_dim(), projection_dim) if projection_dim else None

    @classmethod
    def from_params(cls, params: Mapping[str, Any], vocab: object = None) -> ElmoTokenEmbedder:
        """Make an embedder from a dictionary of arguments; vocab is ignored. Raises InputError for unknown ones."""
        return cls(**arguments_of(cls, params))

    def get_output_dim(self) -> int:
        """The width of the output of `forward`."""
        return self.output_dim

    def forward(self, elmo_tokens: Tensor, word_inputs: Tensor | None = None) -> Tensor:
        """(B, ..., T, 50) character ids, and (B, ..., T) positions in `vocab_to_cache` -> (B, ..., T, D)."""
        mixed = self._elmo(elmo_tokens, word_inputs)["elmo_representations"][0]
        found: Tensor = mixed if self._projection is None else self._projection(mixed)
        return found


def _load(
    options_file: str | PathLike[str] | None, weight_file: str | PathLike[str] | None, name: str = "default"
) -> BiLM:
    """Load the biLM from two files, or by name if there are none."""
    if (options_file is None) != (weight_file is None):
        raise InputError("options_file and weight_file must be given together, not only one of them")
    if options_file is None or weight_file is None:
        return load_bilm(name)
    return load_pair(fspath(options_file), fspath(weight_file))


def _reduced(layers: Vectors, output_format: str) -> Vectors:
    """(L, T, D) unchanged, or (T, D): the top layer or the average of all layers."""
    if output_format == "average":
        average: Vectors = np.mean(layers, axis=0, dtype=np.float32)
        return average
    found: Vectors = layers if output_format == "all" else layers[-1]
    return found
