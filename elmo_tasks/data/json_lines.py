"""JSON from people's files, one value per line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from elmo_tasks.core.errors import InputError


def load_json(text: str, source: str, expected: str) -> Any:
    """One JSON value.

    source, expected: where it is and what should be there, for messages.

    Raises:
        InputError: not JSON, nested beyond measure, a number of thousands of digits, or text with half of a surrogate
            pair or a NUL, which no file of ours can hold.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{source}: {expected}, got no JSON ({error.msg} at column {error.colno})") from None
    except RecursionError:
        raise InputError(f"{source}: {expected}, got JSON that is nested too deeply") from None
    except ValueError:
        raise InputError(f"{source}: {expected}, got a number of too many digits") from None
    _check_text(text, value, source)
    return value


def json_array(lines: Sequence[str], source: str, expected: str) -> Iterator[tuple[int, Any]]:
    """The values of one JSON array over several lines, each with the number of the line that it begins on.

    Raises:
        InputError: as `load_json`; its place is that of the fault.
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
            raise InputError(f"{source}:{error.lineno}: {expected}, got no JSON ({error.msg})") from None
        except RecursionError:
            raise InputError(f"{source}:{line}: {expected}, got JSON that is nested too deeply") from None
        except ValueError:
            raise InputError(f"{source}:{line}: {expected}, got a number of too many digits") from None
        _check_text(text[at:end], value, f"{source}:{line}")
        yield line, value
        at = end
        at = skip(blanks)
        if text[at : at + 1] == ",":
            at += 1
            at = skip(blanks)
        elif text[at : at + 1] != "]":
            found = text.count("\n", 0, at) + 1
            raise InputError(f"{source}:{found}: {expected}, got a JSON array that is cut or lacks a comma")
    if text[at + 1 :].strip(blanks):
        found = text.count("\n", 0, at) + 1
        raise InputError(f"{source}:{found}: {expected}, got more text behind the JSON array")


def _check_text(text: str, value: Any, source: str) -> None:
    if "\\u" not in text:  # only an escape can spell them: the file itself is checked text
        return
    try:
        plain = json.dumps(value, ensure_ascii=False)
        plain.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{source}: half of a surrogate pair (\\u{ord(plain[error.start]):04x}), left by a cut emoji; remove it"
        ) from None
    if "\\u0000" in plain:
        raise InputError(f"{source}: a NUL character (\\u0000) in the text; remove it")
