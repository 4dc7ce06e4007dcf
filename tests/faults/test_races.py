"""Two processes with the same output: one writes it, the other prints one line; nothing is mixed or left over."""

from __future__ import annotations

import time
from pathlib import Path

import forks
import pytest
from kills import Place, Verb, result

pytestmark = pytest.mark.slow

OFFSETS = (0.0, 0.03, 0.2, 0.5, 0.8, 0.97)  # between the two starts, as a part of the time that one alone takes
REFUSED = ("another process is writing it", "already exists")


def others(place: Place) -> dict[str, Verb]:
    """Commands that cannot be resumed, on the outputs of undisturbed ones."""
    run, bilm, text = (
        place.folder / "made" / "train",
        place.folder / "made" / "pretrain",
        str(place.folder / "text.txt"),
    )
    words = {
        "report": (("report", str(run)), "out.json"),
        "evaluate": (("evaluate", str(run), "--data", str(place.folder / "ner")), "out.txt"),
        "pretrain vocab": (("pretrain", "vocab", "--corpus", text), "out.txt"),
        "pretrain export": (("pretrain", "export", str(bilm)), "out"),
        "contrast": (("contrast", "The dog sees", "A dog barks"), "out.svg"),
        "project": (("project", "dog", "--in", text), "out.png"),
        "probe": (("probe", "senses"), "runs"),
    }
    return {name: Verb((*command, "--output", output), output, ()) for name, (command, output) in words.items()}


VERBS = ("train", "embed", "pretrain", "benchmark")
OTHERS = ("report", "evaluate", "pretrain vocab", "pretrain export", "contrast", "project", "probe")


@pytest.mark.parametrize("name", [*VERBS, *OTHERS])
def test_two_at_once(place: Place, tmp_path: Path, name: str) -> None:
    verb = (place.verbs | others(place))[name]
    prepare = place.prepare(place.folder / "cache")
    alone = tmp_path / "alone"
    alone.mkdir()
    began = time.monotonic()
    assert forks.run(verb.words, alone, tmp_path / "said", prepare).code == 0
    takes, made = time.monotonic() - began, result(alone / verb.output)
    for offset in OFFSETS:
        here = tmp_path / str(offset)
        here.mkdir()
        first = forks.start(verb.words, here, tmp_path / "first", prepare)
        time.sleep(offset * takes)
        ends = [forks.start(verb.words, here, tmp_path / "second", prepare).wait(), first.wait()]
        codes = sorted(end.code for end in ends)
        assert codes == [0, 2] or (codes == [0, 0] and name == "benchmark"), (offset, ends)
        for end in ends:
            assert "Traceback" not in end.err and "bug" not in end.err, end
            if end.code == 2:
                assert end.is_one_line and any(said in end.err for said in REFUSED), (offset, end)
        assert [path.name for path in here.iterdir()] == [verb.output], offset
        assert result(here / verb.output) == made, offset
