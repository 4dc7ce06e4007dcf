"""Word sense disambiguation of all words: SemCor, the unified test sets of Raganato et al. 2017, and WordNet's index.

SemCor is a folder of column files `*.tsv` (also compressed), tab-separated: word, lemma, tag, sense key (`_` if there
is none, `;` between alternative keys), with `# newdoc` before a document and an empty line after each sentence. A test
set is `NAME.data.xml` with `NAME.gold.key.txt`, as the authors distribute them. A multiword expression, whose parts are
joined with `_` or blanks, becomes several tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.data.lines import COMPRESSED, open_lines, open_text

_KEY = re.compile(r"(?P<lemma>[^%\s]+)%(?P<kind>[1-5]):\d\d:\d\d:\S*:\S*")
_KINDS = {"NOUN": "1", "VERB": "2", "ADJ": "3", "ADV": "4"}
_SATELLITE = {"5": "3"}  # a satellite adjective is an adjective


@dataclass(frozen=True, slots=True)
class SenseTarget:
    """An annotated word: tokens `start` to `end` (exclusive), the lemma as `bark%1` (noun), and its sense keys.

    A word with several keys is ambiguous even in its context: each of them is right.
    """

    start: int
    end: int
    lemma: str
    senses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SenseSentence:
    """A tokenised sentence and its annotated words; `source` is `file:line`, or the id of the sentence."""

    tokens: tuple[str, ...]
    targets: tuple[SenseTarget, ...]
    source: str = ""


@dataclass(frozen=True)
class AllWords:
    """Training sentences, test sets by name, and the senses of lemmas in WordNet's order (empty without its index)."""

    train: tuple[SenseSentence, ...]
    tests: Mapping[str, tuple[SenseSentence, ...]]
    wordnet: Mapping[str, tuple[str, ...]]


def read_all_words(folder: Path, index: Path | None = None, encoding: str = "utf-8") -> AllWords:
    """Read `folder/semcor`, `folder/wsd_eval` and WordNet's `index.sense`. Sentences without annotation are left out.

    Raises:
        InputError: a file is missing or damaged, with `file:line`.
    """
    corpora = sorted(p for s in ("", *COMPRESSED) for p in (folder / "semcor").glob(f"*.tsv{s}"))
    if not corpora:
        raise InputError(f"{folder / 'semcor'}: there is no column file (*.tsv, *.tsv.xz) of SemCor")
    tests = sorted((folder / "wsd_eval").glob("*.data.xml"))
    if not tests:
        raise InputError(f"{folder / 'wsd_eval'}: there is no test set (NAME.data.xml with NAME.gold.key.txt)")
    train = tuple(sentence for path in corpora for sentence in read_semcor(path, encoding))
    if not train:
        raise InputError(f"{folder / 'semcor'}: no word has a sense key")
    return AllWords(
        train,
        {path.name.removesuffix(".data.xml"): tuple(read_test_set(path, encoding)) for path in tests},
        read_sense_index(index, encoding) if index is not None else {},
    )


def read_semcor(path: Path, encoding: str = "utf-8") -> list[SenseSentence]:
    """Read a column file. Raises InputError with `file:line`."""
    found: list[SenseSentence] = []
    tokens, targets, source = list[str](), list[SenseTarget](), ""
    for number, line in _and_an_end(open_lines(path, encoding=encoding)):
        if not line.strip() or line.startswith("# newdoc"):
            if targets:
                found.append(SenseSentence(tuple(tokens), tuple(targets), source))
            tokens, targets, source = [], [], ""
            continue
        source = source or f"{path}:{number}"
        cells = line.split("\t")
        if len(cells) != 4 or not cells[0].strip():
            raise InputError(
                f"{path}:{number}: expected word, lemma, tag and sense key, separated by tabs, not {quoted(line)}"
            )
        start = len(tokens)
        tokens += _parts(cells[0])
        if cells[3] != "_":
            lemma, senses = _keys(cells[3].split(";"), f"{path}:{number}")
            targets.append(SenseTarget(start, len(tokens), lemma, senses))
    return found


def read_test_set(path: Path, encoding: str = "utf-8") -> list[SenseSentence]:
    """Read `NAME.data.xml` with the keys of `NAME.gold.key.txt` next to it. Raises InputError with `file:line`."""
    gold = _read_gold(path.with_name(path.name.removesuffix(".data.xml") + ".gold.key.txt"), encoding)
    try:
        root = ElementTree.fromstring("".join(open_text(path, encoding)))
    except ElementTree.ParseError as error:
        raise InputError(f"{path}:{error.position[0]}: damaged XML ({error})") from None
    found = [_of_xml(sentence, gold, path) for sentence in root.iter("sentence")]
    if not any(sentence.targets for sentence in found):
        raise InputError(f"{path}: there is no <instance> in it")
    if gold:
        raise InputError(f"{path}: has no instance {quoted(next(iter(gold)))}, which has a key")
    return [sentence for sentence in found if sentence.targets]


def read_sense_index(path: Path, encoding: str = "utf-8") -> dict[str, tuple[str, ...]]:
    """The senses of each lemma in the order of WordNet, from its file `index.sense`.

    Returns:
        Such as `{"bark%1": ("bark%1:20:00::", "bark%1:11:02::", ...)}`.

    Raises:
        InputError: the file does not exist or is damaged, with `file:line`.
    """
    found: dict[str, list[tuple[int, str]]] = {}
    for number, line in open_lines(path, encoding=encoding):
        cells = line.split()
        if len(cells) != 4 or not _KEY.fullmatch(cells[0]) or not cells[2].isdecimal():
            raise InputError(f"{path}:{number}: expected sense key, offset, sense number and count, not {quoted(line)}")
        found.setdefault(_lemma_of(cells[0]), []).append((int(cells[2]), cells[0]))
    if not found:
        raise InputError(f"{path}: the file is empty; expected WordNet's index.sense")
    return {lemma: tuple(key for _, key in sorted(keys)) for lemma, keys in found.items()}


def _and_an_end(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield from lines
    yield 0, ""


def _parts(word: str) -> list[str]:
    return word.replace("_", " ").split() or [word]


def _keys(keys: list[str], source: str) -> tuple[str, tuple[str, ...]]:
    """The lemma and the complete keys of `year%1:28:02::` and `1:28:01::`."""
    prefix = keys[0].partition("%")[0]
    whole = tuple(key if "%" in key else f"{prefix}%{key}" for key in keys)
    for key in whole:
        if not _KEY.fullmatch(key):
            raise InputError(f"{source}: not a sense key of WordNet: {quoted(key)}")
    return _lemma_of(whole[0]), whole


def _lemma_of(key: str) -> str:
    """`bark%1` of `bark%1:20:00::`."""
    lemma, _, rest = key.partition("%")
    return f"{lemma}%{_SATELLITE.get(rest[0], rest[0])}"


def _read_gold(path: Path, encoding: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for number, line in open_lines(path, encoding=encoding):
        name, *keys = line.split() or [""]
        if name and (not keys or name in found):
            raise InputError(f"{path}:{number}: expected a new instance and its sense keys, not {quoted(line)}")
        if name:
            found[name] = _keys(keys, f"{path}:{number}")[1]
    return found


def _of_xml(sentence: ElementTree.Element, gold: dict[str, tuple[str, ...]], path: Path) -> SenseSentence:
    """The words of an XML sentence; the keys of its instances are removed from `gold`."""
    name = f"{path}: sentence {sentence.get('id')}"
    tokens, targets = list[str](), list[SenseTarget]()
    for word in sentence:
        start = len(tokens)
        text = word.text or ""
        if not text.strip():
            raise InputError(f"{name}: there is a word without text")
        tokens += _parts(text)
        if word.tag == "instance":
            number, lemma, kind = (word.get(key, "") for key in ("id", "lemma", "pos"))
            if kind not in _KINDS or number not in gold:
                raise InputError(f"{name}: the instance {quoted(number)} has no key, or {quoted(kind)} is not a pos")
            targets.append(SenseTarget(start, len(tokens), f"{lemma.lower()}%{_KINDS[kind]}", gold.pop(number)))
    return SenseSentence(tuple(tokens), tuple(targets), name)
