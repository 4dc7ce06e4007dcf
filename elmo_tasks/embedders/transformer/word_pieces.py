"""Convert words to the ids of their word pieces."""

from __future__ import annotations

import json
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.fork_safe_lock import ForkSafeLock

_TOKENISER = ForkSafeLock()


class WordPieces:
    """A Hugging Face tokeniser applied word by word: a word always has the same pieces.

    before, behind: the special pieces around a sentence; padding: the padding id.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, list[int]] = {}
        special = (tokenizer.unk_token_id, tokenizer.mask_token_id, tokenizer.eos_token_id)
        self.unknown = next((number for number in special if number is not None), None)
        self.padding: int = tokenizer.pad_token_id or 0
        bare, framed = (self._encode("a", special=special) for special in (False, True))
        at = next((i for i in range(len(framed)) if framed[i : i + len(bare)] == bare), 0)
        self.before, self.behind = framed[:at], framed[at + len(bare) :]

    def of(self, word: str) -> list[int]:
        """The ids of a word's pieces, at least one: a word without pieces becomes the unknown piece.

        Raises:
            InputError: a word has no pieces, and the tokeniser has no unknown piece.
        """
        found = self._known.get(word)
        if found is None:
            # Tokenisers do not accept lone surrogates; decoding would replace them by U+FFFD.
            text = word.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
            with _TOKENISER:  # each call sets the tokeniser's settings, which is not thread-safe
                found = self._encode(text, special=False) if text.strip() else []
            found = found or ([] if self.unknown is None else [self.unknown])
            if not found:
                raise InputError(
                    f"transformer: the word {word!r} has no pieces, and this tokeniser has no piece for unknown words; "
                    "leave out the word or choose another model"
                )
            self._known[word] = found
        return found

    def description(self) -> str:
        """Everything that determines how words are split."""
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        if backend is None:
            return json.dumps([type(self._tokenizer).__name__, sorted(self._tokenizer.get_vocab().items())])
        # Its own padding and truncation are not used and change with every call.
        parts = json.loads(backend.to_str()) | {"padding": None, "truncation": None}
        return json.dumps(parts, sort_keys=True)

    def _encode(self, word: str, *, special: bool) -> list[int]:
        # Tokenisers of bytes and raw text recognise the beginning of a word by the space; others strip it.
        ids: list[int] = self._tokenizer(f" {word}", add_special_tokens=special, verbose=False)["input_ids"]
        return ids
