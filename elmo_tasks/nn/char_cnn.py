"""A trainable char-CNN: word shape and affixes, also for words without vectors (Ma and Hovy 2016)."""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from elmo_tasks.elmo.engine.loops import are_compiled_for
from elmo_tasks.elmo.engine.precision import has_kernels

_GROUP, _MULTIPLE = 256, 4
_ODD = -7046029254386353131  # 2**64 divided by the golden ratio


class CharCnn(nn.Module):
    """Converts characters to one vector per word: embedding, one convolution, ReLU, max over the real positions.

    Settings of AllenNLP's NER baseline: 16-dimensional characters, 128 filters of width 3.
    """

    def __init__(self, *, n_characters: int, dim: int = 16, filters: int = 128, width: int = 3) -> None:
        super().__init__()
        self.width = filters
        self.embedding = nn.Embedding(n_characters, dim, padding_idx=0)
        self.convolution = nn.Conv1d(dim, filters, kernel_size=width, padding=width - 1)

    def forward(self, characters: Tensor, mask: Tensor) -> Tensor:
        """characters: (B, T, C) int64, 0 where absent; mask: (B, T) -> (B, T, F).

        Each distinct word is encoded once: in training, and in large batches of predictions with a biLM, by looking up
        what each character contributes to each filter; otherwise together with words of similar length, in groups with
        few different shapes (blocks of many different sizes would fragment the heap of the C library).
        On a GPU all words are encoded at once: the CPU would have to wait for it to find distinct ones.
        """
        if characters.device.type != "cpu":
            return self._encode_all(characters, mask)
        words, place = distinct_rows(characters[mask])  # (U, C), (N,)
        lengths = (words > 0).sum(dim=1)  # (U,)
        compiled = self.training or are_compiled_for(len(place))
        if compiled and self.embedding.weight.dtype == torch.float32 and has_kernels():
            encoded = self._look_up(words, lengths)
        else:  # predictions alone are no reason to import Numba, which takes most of a second
            order = torch.argsort(lengths, stable=True)
            groups = [self._encode(words[rows], lengths[rows]) for rows in torch.split(order, _GROUP)]
            encoded = torch.cat(groups)[torch.argsort(order)]  # (U, F)
        x = encoded.new_zeros(*mask.shape, self.width)
        x[mask] = encoded[place]
        return x  # (B, T, F)

    def _look_up(self, words: Tensor, lengths: Tensor) -> Tensor:
        """words: (U, C), lengths: (U,) -> (U, F)."""
        filters = self.convolution.weight.permute(2, 1, 0)  # (K, E, F)
        found: Tensor = _ConvolveAndMax.apply(self.embedding.weight @ filters, words, lengths)  # type: ignore[no-untyped-call]
        bias = self.convolution.bias
        return torch.relu(found if bias is None else found + bias)

    def _encode_all(self, characters: Tensor, mask: Tensor) -> Tensor:
        """`forward` without looking at values: (B, T, C) -> (B, T, F)."""
        words = characters.flatten(0, 1)  # (B * T, C)
        found = self._pool(words, (words > 0).sum(dim=1)).view(*mask.shape, self.width)
        return found * mask.unsqueeze(2)

    def _encode(self, words: Tensor, lengths: Tensor) -> Tensor:
        """words: (G, C) by increasing length (G,) -> (G, F)."""
        used = -(-int(lengths[-1]) // _MULTIPLE) * _MULTIPLE if len(words) else _MULTIPLE
        return self._pool(words[:, :used], lengths)

    def _pool(self, words: Tensor, lengths: Tensor) -> Tensor:
        """The maximum of each filter over the windows of each word: (G, C), (G,) -> (G, F)."""
        embedded = self.embedding(words)  # (G, C, E)
        found = self.convolution(embedded.transpose(1, 2))  # (G, F, C + width - 1)
        # Windows without a character of the word contain only the bias; they exist only because of longer words.
        positions = torch.arange(found.shape[2], device=found.device)
        empty = positions >= (lengths + self.convolution.kernel_size[0] - 1)[:, None]  # (G, C + width - 1)
        return torch.relu(found.masked_fill(empty[:, None], -torch.inf).amax(dim=2))  # (G, F)


class _ConvolveAndMax(torch.autograd.Function):
    """tables (K, V, F), words (U, C), lengths (U,) -> (U, F); see `char_kernels.py`."""

    @staticmethod
    def forward(ctx: Any, tables: Tensor, words: Tensor, lengths: Tensor) -> Tensor:
        out = tables.new_empty(len(words), tables.shape[2])
        where = torch.empty(out.shape, dtype=torch.int32)
        _kernels().convolve_and_max(*(x.numpy() for x in (words, lengths, tables.detach().contiguous(), out, where)))
        ctx.save_for_backward(words, lengths, where)
        ctx.shape = tables.shape
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        words, lengths, where = ctx.saved_tensors
        found = grad.new_zeros(ctx.shape)  # (K, V, F)
        _kernels().scatter(*(x.numpy() for x in (grad.contiguous(), words, lengths, where, found)))
        return found, None, None


def _kernels() -> Any:
    return importlib.import_module("elmo_tasks.nn.char_kernels")


def distinct_rows(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The distinct rows of (N, C) int64, in any order, and the number of each row among them (N,).

    Rows are compared by a hash first, because `torch.unique` is slow at sorting rows.
    """
    powers = torch.full((rows.shape[1],), _ODD, device=rows.device).cumprod(0)  # (C,), modulo 2**64
    hashes, place = torch.unique((rows * powers).sum(dim=1), return_inverse=True)  # (U,), (N,)
    example = place.new_empty(len(hashes))
    example[place] = torch.arange(len(rows), device=rows.device)
    distinct = rows[example]  # (U, C)
    if torch.equal(distinct[place], rows):
        return distinct, place
    distinct, place = torch.unique(rows, dim=0, return_inverse=True)  # two rows have the same hash
    return distinct, place
