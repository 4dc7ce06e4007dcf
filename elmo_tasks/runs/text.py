"""Apply a run to a raw text of any length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from elmo_tasks.core.errors import InputError
from elmo_tasks.runs.documents import checked_document
from elmo_tasks.runs.predict import check_probabilities
from elmo_tasks.runs.run import Run
from elmo_tasks.text.results import Result
from elmo_tasks.text.tokeniser import Sentence, split_text


def predict_text(
    run: Run, pieces: Iterable[str], block: int, origin: str, *, probabilities: bool = False
) -> Iterator[Result]:
    """Yield the results for the sentences of a text, in the memory of a paragraph or of `block` sentences.

    If the run reads documents, the text is one, and has one result.

    pieces: lines with their line breaks; positions in the results count from the beginning of the first. origin: the
    name of the text in messages; probabilities: add a score to each span.

    Raises:
        InputError: the text is only white space, the model has no probabilities, or the run reads pairs.
    """
    if run.trained.task.pair is not None:
        raise InputError(
            f"--text: a run of {run.task} reads pairs, a premise, a tab and a hypothesis per line, and tokenises them; "
            "give the file without --text"
        )
    if probabilities:
        check_probabilities(run.trained)
    if run.trained.task.document is not None:
        yield from run.apply_documents([checked_document("".join(pieces), origin)], scores=probabilities)
        return
    waiting: list[Sentence] = []
    empty = True
    for offset, paragraph in _paragraphs(pieces):
        waiting += split_text(paragraph, offset=offset)
        empty = False
        if len(waiting) >= block:
            yield from run.apply(waiting, scores=probabilities)
            waiting.clear()
    if empty:
        raise InputError(f"{origin}: the text is empty or only white space")
    yield from run.apply(waiting, scores=probabilities)


def _paragraphs(pieces: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield each paragraph, up to a blank line, with the number of characters before it."""
    offset, end = 0, 0
    lines: list[str] = []
    for piece in chain(pieces, [""]):
        if piece.strip():
            lines.append(piece)
        elif lines:
            yield offset, "".join(lines)
            lines.clear()
        end += len(piece)
        offset = offset if lines else end
