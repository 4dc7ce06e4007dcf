"""JSON from user files, one value per line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from elmo_tasks.core.errors import InputError


def load_json(text: str, source: str, expected: str) -> Any:
    """Parse one JSON value.

    source, expected: where the value is and what it should be, for messages.

    Raises:
        InputError: the text is not JSON, is nested too deeply, or contains a number with thousands of digits, half of
            a surrogate pair or a NUL character, which our own files cannot store.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{source}: invalid JSON ({error.msg} at column {error.colno}); {expected}") from None
    except RecursionError:
        raise InputError(f"{source}: the JSON is nested too deeply; {expected}") from None
    except ValueError:
        raise InputError(f"{source}: a number has too many digits; {expected}") from None
    _check_text(text, value, source)
    return value


def json_array(lines: Sequence[str], source: str, expected: str) -> Iterator[tuple[int, Any]]:
    """Yield the values of a JSON array that spans several lines, each with the number of the line it begins on.

    Raises:
        InputError: as `load_json`, with the line of the fault.
    """
    text = "\n".join(lines)
    decoder, at, line, counted = json.JSONDecoder(), text.index("[") + 1, 1, 0

    def skip(characters: str) -> int:
        return next((place for place in range(at, len(text)) if text[place] not in characters), len(text))

    blanks = " \t\r\n"
    at = skip(blanks)
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise InputError(f"{source}:{error.lineno}: invalid JSON ({error.msg}); {expected}") from None
        except RecursionError:
            raise InputError(f"{source}:{line}: the JSON is nested too deeply; {expected}") from None
        except ValueError:
            raise InputError(f"{source}:{line}: a number has too many digits; {expected}") from None
        _check_text(text[at:end], value, f"{source}:{line}")
        yield line, value
        at = end
        at = skip(blanks)
        if text[at : at + 1] == ",":
            at += 1
            at = skip(blanks)
        elif text[at : at + 1] != "]":
            found = text.count("\n", 0, at) + 1
            raise InputError(f"{source}:{found}: the JSON array is truncated or lacks a comma; {expected}")
    if text[at + 1 :].strip(blanks):
        found = text.count("\n", 0, at) + 1
        raise InputError(f"{source}:{found}: there is more text after the JSON array; {expected}")


def _check_text(text: str, value: Any, source: str) -> None:
    if "\\u" not in text:  # only escapes can spell these characters; the file itself is checked already
        return
    try:
        plain = json.dumps(value, ensure_ascii=False)
        plain.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{source}: the text contains half of a surrogate pair (\\u{ord(plain[error.start]):04x}), left by a cut "
            "emoji; remove it"
        ) from None
    if "\\u0000" in plain:
        raise InputError(f"{source}: the text contains a NUL character (\\u0000); remove it")
