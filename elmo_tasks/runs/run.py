"""A trained run as an object that maps texts or tokenised sentences to typed results."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.core.files import disk_faults
from elmo_tasks.core.seal import SEAL
from elmo_tasks.data.object_rows import is_splits, split_of
from elmo_tasks.runs.documents import SplitDocument, checked_document, checked_documents, is_one_document
from elmo_tasks.runs.evaluate import check_own_data, evaluate_trained
from elmo_tasks.runs.folder import RunFolder, read_epochs, read_metrics
from elmo_tasks.runs.given import Given, checked, checked_list, checked_pairs, is_one_pair, kind_of
from elmo_tasks.runs.hub import RUN_FILES, find_run
from elmo_tasks.runs.predict import apply_run, predict_examples
from elmo_tasks.runs.store import Trained, load_trained
from elmo_tasks.text.examples import Example
from elmo_tasks.text.labels import span_types
from elmo_tasks.text.pairs import Pair, checked_pair, rows_of_table
from elmo_tasks.text.results import OtherResult, Result, joined, sentence_of
from elmo_tasks.text.tokeniser import Sentence, split_text

_TOGETHER = 64  # sentences
_KEPT = (*RUN_FILES, "outcomes.test.json", "gold.test.txt", SEAL)


def load(name: str | Path, task_file: str | Path | None = None, *, trust: bool = False) -> Run:
    """Load a trained run, ready to be applied.

    To load a biLM, use `load_bilm("ORG/NAME")` or `ElmoEmbedder.from_pretrained("ORG/NAME")`.

    Args:
        name: the folder of a run, the name of a tagger in the package, or `ORG/NAME` or `hf:ORG/NAME` on the Hugging
            Face hub.
        task_file: the `task.py` of a run that was trained with a task of your own; it is executed.
        trust: whether files outside the folder of the run, and addresses, may be read if its `config.yaml` names them,
            although the run was not trained here.

    Raises:
        InputError: there is no such run, or it cannot be loaded.
    """
    folder = find_run(name)
    return Run(load_trained(folder, task_file=task_file, trust=trust), folder, task_file, trust)


def export_run(
    run: Trained | str | Path, output: str | Path, *, int8: bool = False, overwrite: bool = False, trust: bool = False
) -> Path:
    """`Run.to_onnx` for a run given by its folder or name, or for its model. trust: as for `load`.

    Raises:
        InputError: as `load` and `Run.to_onnx`.
    """
    from elmo_tasks.export.folder import check_onnx, export_model

    check_onnx()
    trained = run if isinstance(run, Trained) else load_trained(find_run(run), trust=trust)
    return export_model(trained, output, int8=int8, overwrite=overwrite)


class Run:
    """A trained run; `elmo_tasks.load` returns one. Threads may share it: they take turns.

    Attributes:
        trained: the model, its task, its experiment and its labels.
        folder: where the run was loaded from.
    """

    def __init__(
        self, trained: Trained, folder: Path, task_file: str | Path | None = None, trust: bool = False
    ) -> None:
        self.trained, self.folder, self._task_file = trained, folder, task_file
        self._trust, self._turn = trust, Lock()

    def __call__(self, given: Any, *, scores: bool = True) -> Any:
        """Apply the run.

        A raw text is split into sentences and tokens, see *Raw text* in the documentation; each sentence has a result.
        Named entity taggers return `EntityResult`, role labellers `FrameResult` (they find the predicates themselves),
        classifiers `LabelResult`, classifiers of pairs `PairResult`, and tasks of your own `OtherResult`. Coreference
        has one `ClusterResult` per text.

        Args:
            given: a text; a list of texts; or a list of sentences, each a list of tokens. For a task of pairs, such as
                `nli`: a tuple of two texts or of two lists of tokens, a list of such pairs, or an array or frame with
                two columns. For a task of documents,
                such as `coreference`: a text; a list of sentences, each a list of tokens, which is one document; or a
                list of such documents.
            scores: also compute the probability of each entity, predicate, argument, tag and mention.

        Returns:
            One result per sentence: a list for a text, a list of lists for a list of texts, and a list for a list of
            sentences, whose character positions refer to their tokens joined with spaces. One result per pair: the
            result itself for a pair, a list for a list of pairs. One result per document in the same way.

        Raises:
            InputError: the input is of another type, mixes texts and sentences, or one of them is empty.
        """
        if self.trained.task.pair is not None:
            if is_one_pair(given):
                return self.apply_pairs([checked_pair(given, "the pair")], scores=scores)[0]
            return self.apply_pairs(checked_pairs(given), scores=scores)
        if self.trained.task.document is not None:
            if is_one_document(given):
                return self.apply_documents([checked_document(given, "the document")], scores=scores)[0]
            return self.apply_documents(checked_documents(given), scores=scores)
        if isinstance(given, str):
            return self._results([checked(given, "the text", str, empty=False)], scores)[0]
        return self._results(checked_list(given), scores)

    def pipe(self, stream: Iterable[Given], *, batch_size: int = _TOGETHER, scores: bool = True) -> Iterator[Any]:
        """Apply the run to a stream of texts or of token lists, in order and with the memory of one batch.

        Yields what calling the run returns for each of them: a list of results for a text (empty for a text of only
        white space), or one result for a list of tokens.

        Args:
            stream: texts or token lists, not both; or pairs of them; or documents.
            batch_size: how many of them are read and computed together.
            scores: as for `__call__`.

        Raises:
            InputError: as for `__call__`, when the stream reaches such an item.
        """
        if isinstance(stream, (str, bytes)) or not isinstance(stream, Iterable):
            raise InputError(f"pipe: the stream must consist of texts or token lists, not {quoted(stream)}")
        if batch_size < 1:
            raise InputError(f"pipe: batch_size must be 1 or more, not {batch_size}")
        kind: type | None = None
        numbered = enumerate(rows_of_table(stream) if self.trained.task.pair is not None else stream)
        while batch := list(islice(numbered, batch_size)):
            if self.trained.task.pair is not None:
                pairs = [checked_pair(item, f"item {number}") for number, item in batch]
                yield from self.apply_pairs(pairs, scores=scores)
                continue
            if self.trained.task.document is not None:
                documents = [checked_document(item, f"item {number}") for number, item in batch]
                yield from self.apply_documents(documents, scores=scores)
                continue
            kind = kind or kind_of(batch[0][1])
            read = [checked(item, f"item {number}", kind, empty=True) for number, item in batch]
            yield from self._results(read, scores)

    def apply(self, sentences: Sequence[Sentence], *, scores: bool = True) -> list[Result]:
        """The results of sentences that are already split, one for each."""
        task = self.trained.task
        if task.pair is not None:
            raise InputError(f"a run of {task.name} compares two texts; give pairs such as (premise, hypothesis)")
        if task.document is not None:
            raise InputError(f"a run of {task.name} reads whole documents, not single sentences; give it a text")
        groups: list[Sequence[Example]] = []
        for sentence in sentences:
            tokens = _words(sentence)
            groups.append([task.plain(tokens, "")] if task.plain else task.parse(" ".join(tokens), "the text"))
        return self._apply(sentences, groups, scores)

    def apply_pairs(self, pairs: Sequence[Pair], *, scores: bool = True) -> list[Result]:
        """The results of pairs of texts that are already tokenised, one for each."""
        make = self.trained.task.pair
        if make is None:
            raise InputError(f"a run of {self.task} reads one text at a time, not pairs")
        groups = [[make(_words(premise), _words(hypothesis), "")] for premise, hypothesis in pairs]
        return self._apply([joined(pair, "\t") for pair in pairs], groups, scores)

    def apply_documents(self, documents: Sequence[SplitDocument], *, scores: bool = True) -> list[Result]:
        """The results of documents that are already split into sentences and tokens, one for each."""
        make = self.trained.task.document
        if make is None:
            raise InputError(f"a run of {self.task} reads sentences, not documents")
        groups = [[make(tuple(map(_words, each.sentences)), "")] for each in documents]
        return self._apply([each.whole for each in documents], groups, scores)

    def _apply(self, sentences: Sequence[Sentence], groups: Sequence[Sequence[Example]], scores: bool) -> list[Result]:
        task = self.trained.task
        with self._turn:
            applied = list(apply_run(self.trained, groups, probabilities=scores))
        results: list[Result] = []
        for sentence, found in zip(sentences, applied, strict=True):
            if task.result is not None:
                results.append(task.result(sentence, found.examples, found.predicted, found.probabilities))
            else:
                line = " ".join(token.text for token in sentence.tokens)
                results.append(OtherResult(*sentence, task.describe(line, found.examples, found.predicted)))
        return results

    def evaluate(
        self, data: Any = None, split: str = "test", *, columns: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Score the run on data with gold.

        Args:
            data: the name, folder or file of a data set; Python objects as for `train`: lists, a frame, a Hugging Face
                data set or examples; or None for the run's own data.
            split: the split of a data set or of a dictionary of splits.
            columns: the columns of a frame or data set, as for `train`.

        Raises:
            InputError: the data does not exist, or the split is missing or damaged.
        """
        task = self.trained.task
        with self._turn:
            if data is None or isinstance(data, (str, Path)):
                check_own_data(self.trained, self.folder, None if data is None else str(data), trust=self._trust)
                return evaluate_trained(self.trained, None if data is None else str(data), split)[0]
            if is_splits(data) and (data := split_of(data, split)) is None:
                raise InputError(f"evaluate: the data has no {split} split; choose another with split=")
            examples = task.examples(data, "data", columns)
            task.check(examples, self.trained.labels)
            return task.score(examples, predict_examples(self.trained, examples)).as_dict()

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The content of `metrics.json`: the scores on dev and test, the seed, embedders, seconds and more."""
        return read_metrics(self.folder)

    @cached_property
    def history(self) -> list[dict[str, float]]:
        """The figures of each epoch: `loss`, `dev`, `rate`, `seconds` and more."""
        return read_epochs(self.folder, self.metrics)

    @property
    def task(self) -> str:
        """The name of the task."""
        return self.trained.task.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The possible values in results: entity types, roles or labels."""
        names = self.trained.labels.names
        if "O" in names and all(name == "O" or name[1:2] == "-" for name in names):
            return tuple(sorted(span_types([names])))
        return names

    def save(self, folder: str | Path) -> None:
        """Save the run to a new folder, for `load` and the command line.

        Raises:
            InputError: the folder exists or cannot be written, or the run's own folder no longer exists.
        """
        if not (self.folder / "model.safetensors").is_file():
            raise InputError(
                f"{self.folder}: the folder that the run was loaded from no longer exists; load the run again"
            )
        run = RunFolder(Path(folder))
        with run.claimed(resume=False, overwrite=False):
            run.begin(resume=False)
            with disk_faults(run.work):
                for path in (path for pattern in _KEPT for path in self.folder.glob(pattern)):
                    copy = run.work / path.relative_to(self.folder)
                    copy.parent.mkdir(exist_ok=True)
                    shutil.copyfile(path, copy)
            run.finish()

    def to_onnx(self, folder: str | Path, *, int8: bool = False, overwrite: bool = False) -> Path:
        """Export the run to a folder that `elmo_tasks.lite` runs with only onnxruntime and numpy, without PyTorch.

        Args:
            folder: the new folder. It appears when it is complete.
            int8: store and multiply in 8 bits: a smaller folder, and faster for single sentences.
            overwrite: replace an earlier export.

        Returns:
            The folder.

        Raises:
            InputError: the task or an embedder cannot be exported, the folder cannot be written, or the extra `onnx` is
                not installed.
        """
        return export_run(self.trained, folder, int8=int8, overwrite=overwrite)

    def __repr__(self) -> str:
        return f"<Run of {self.task} in {self.folder}: {', '.join(self.labels)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy in another process loads the run's folder."""
        return partial(load, trust=self._trust), (self.folder, self._task_file)

    def _results(self, items: Sequence[Given], scores: bool) -> list[Any]:
        """The results of each text or token list, all computed together."""
        split = [split_text(item) if isinstance(item, str) else [sentence_of(item)] for item in items]
        found = iter(self.apply([sentence for sentences in split for sentence in sentences], scores=scores))
        results = [[next(found) for _ in sentences] for sentences in split]
        return [own if isinstance(item, str) else own[0] for item, own in zip(items, results, strict=True)]


def _words(sentence: Sentence) -> tuple[str, ...]:
    return tuple(token.text for token in sentence.tokens)
