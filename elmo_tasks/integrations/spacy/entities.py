"""The pipeline component `elmo_ner`: named entities from a trained run."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import minibatch

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults
from elmo_tasks.core.fork_safe_lock import ForkSafeLock
from elmo_tasks.core.seal import SEAL
from elmo_tasks.integrations.spacy.sentences import sentence_positions
from elmo_tasks.runs.hub import find_run
from elmo_tasks.runs.predict import predict_examples
from elmo_tasks.runs.store import Trained, load_trained
from elmo_tasks.text.examples import TaggedSentence
from elmo_tasks.text.spans import to_spans

Tags = tuple[str, ...]
RUN = ("config.yaml", "metrics.json", "model.safetensors", "words.txt")

DEFAULT_RUN = "ner"
"""The named entity tagger in the package."""
_LOADING = ForkSafeLock()


@Language.factory(
    "elmo_ner", assigns=["doc.ents", "token.ent_iob", "token.ent_type"], default_config={"run": DEFAULT_RUN}
)
def make_elmo_ner(nlp: Language, name: str, run: str) -> ElmoEntities:
    """Make the component; `run` as for `ElmoEntities`."""
    return ElmoEntities(run)


class ElmoEntities:
    """Sets `doc.ents` to the entities that a run of `elmo-tasks train ner` finds, replacing earlier ones.

    Args:
        run: the folder of a run, the name of a tagger in the package, or `ORG/NAME` on the Hugging Face hub; it is
            loaded at the first doc.

    Raises:
        InputError: at the first doc, if there is no run, or one of another task.
    """

    def __init__(self, run: str = DEFAULT_RUN) -> None:
        self.run = run
        self._trained: Trained | None = None

    def __call__(self, doc: Doc) -> Doc:
        """Find the entities of one doc."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Find the entities of docs, `batch_size` at a time."""
        for docs in minibatch(stream, size=batch_size):  # type: ignore[no-untyped-call]
            sentences = [
                (number, positions) for number, doc in enumerate(docs) for positions in sentence_positions(doc)
            ]
            examples = [
                TaggedSentence(tuple(docs[number][i].text for i in positions), ("O",) * len(positions))
                for number, positions in sentences
            ]
            found: list[list[Span]] = [[] for _ in docs]
            for (number, positions), tags in zip(sentences, predict_examples(self._load(), examples), strict=True):
                found[number] += [
                    Span(docs[number], positions[start], positions[end - 1] + 1, label=label)
                    for label, start, end in to_spans(cast("Tags", tags), "BIO")
                ]
            for doc, entities in zip(docs, found, strict=True):
                doc.set_ents(entities)
            yield from docs

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the files needed to apply the run; embedders are loaded by their names, as in any run."""
        folder = find_run(self.run)
        self._load()
        with disk_faults(Path(path)):
            Path(path).mkdir(parents=True, exist_ok=True)
            for name in (*RUN, *([SEAL] if (folder / SEAL).is_file() else [])):
                shutil.copyfile(folder / name, Path(path) / name)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> ElmoEntities:
        """Load the run written by `to_disk`."""
        self.run, self._trained = str(path), None
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Spawned processes get the settings, not the model."""
        return self.__dict__ | {"_trained": None}

    def _load(self) -> Trained:
        with _LOADING:
            if self._trained is None:
                trained = load_trained(find_run(self.run))
                if trained.task.name != "ner":
                    raise InputError(f"{self.run}: the task of the run is {trained.task.name}, not ner")
                self._trained = trained
            return self._trained
