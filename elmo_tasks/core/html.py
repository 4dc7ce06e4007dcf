"""Render HTML from the jinja2 templates in the package. Values are always escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elmo_tasks.core.terminal import printable

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGE = Path(__file__).resolve().parents[1]


def render(template: str, **values: Any) -> str:
    """Render a template, given by its path in the package: `views/contrast.html`.

    Text may contain any characters: those with a meaning in HTML are escaped, invisible ones as by `printable`. Only
    `markupsafe.Markup` is inserted as HTML, and it is never made from external text.
    """
    return _environment().get_template(template).render(values)


def fragment(template: str, macro: str, *values: Any) -> str:
    """Render one macro of a template in the same way."""
    made: str = getattr(_environment().get_template(template).module, macro)(*values)
    return made


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def visible(value: Any) -> Any:
        return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    return Environment(
        loader=FileSystemLoader(_PACKAGE),
        autoescape=True,
        finalize=visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
