"""Words to the numbers of their pieces."""

from __future__ import annotations

import json
from typing import Any

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.fork_safe_lock import ForkSafeLock

_TOKENISER = ForkSafeLock()


class WordPieces:
    """A Hugging Face tokeniser, word by word: a word has the same pieces wherever it stands.

    before, behind: the special pieces around a sentence; padding: the number that fills a batch up.
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
        """The numbers of a word's pieces, one at least: a word that leaves none is the unknown piece.

        Raises:
            InputError: a word leaves none and the tokeniser has no piece that could stand for it.
        """
        found = self._known.get(word)
        if found is None:
            # Lone surrogates are no text to a tokeniser; U+FFFD is what decoding makes of them.
            text = word.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
            with _TOKENISER:  # its settings are set again at each call, which no two threads may do at once
                found = self._encode(text, special=False) if text.strip() else []
            found = found or ([] if self.unknown is None else [self.unknown])
            if not found:
                raise InputError(
                    f"transformer: expected words that have pieces, got {word!r}, and this tokeniser has no piece "
                    "for unknown words"
                )
            self._known[word] = found
        return found

    def description(self) -> str:
        """All that decides how words are cut."""
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        if backend is None:
            return json.dumps([type(self._tokenizer).__name__, sorted(self._tokenizer.get_vocab().items())])
        # Its own padding and truncation are not used, and change with every call.
        parts = json.loads(backend.to_str()) | {"padding": None, "truncation": None}
        return json.dumps(parts, sort_keys=True)

    def _encode(self, word: str, *, special: bool) -> list[int]:
        # The blank is what tokenisers of bytes and of raw text know the beginning of a word by; others strip it.
        ids: list[int] = self._tokenizer(f" {word}", add_special_tokens=special, verbose=False)["input_ids"]
        return ids
