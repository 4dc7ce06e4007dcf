"""The page that compares this package with other libraries: its counts are those of its blocks, which parse."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
from collections import Counter

import pytest
from fenced_blocks import DOCUMENTS, ROOT, SHELLS, Block, blocks_of, fenced_blocks, name_of

PAGE = ROOT / "docs" / "frameworks.md"
OURS = "elmo_tasks"
LIBRARIES = {"Flair": "flair", "spaCy": "spacy", "Stanza": "stanza", "sentence-transformers": "sentence_transformers"}
COLUMNS = [OURS, *LIBRARIES.values()]
FOREIGN = [block for path in DOCUMENTS for block in fenced_blocks(path) if block.library]


def lines_of_code(block: Block) -> int:
    """Statements of Python, or commands of a shell; nothing for what a block prints."""
    if block.language == "python":
        return sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(block.code)))
    if block.language in SHELLS:
        lines = block.code.replace("\\\n", " ").splitlines()
        return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in lines)
    return 0


def jobs() -> dict[str, str]:
    """The sections of the page that are jobs: `1. Tag a sentence` and the text below it."""
    parts = re.split(r"^## (.+)\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {heading: text for heading, text in zip(parts[::2], parts[1::2], strict=True) if heading[0].isdigit()}


def counted(text: str) -> list[str]:
    """The cells of the table for a job: a number per library, or a dash."""
    lines: Counter[str] = Counter()
    for block in blocks_of(text, name_of(PAGE)):
        lines[block.library or OURS] += lines_of_code(block)
    assert set(lines) <= set(COLUMNS)
    return [str(lines[name] or "-") for name in COLUMNS]


def test_the_table_has_the_lines_of_the_blocks() -> None:
    table = re.findall(r"^\| \[(\d\. [^]]+)\]\([^)]+\) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {job: cells.split(" | ") for job, cells in table} == {job: counted(text) for job, text in jobs().items()}
    assert len(table) == 5


def test_lines_are_counted() -> None:
    python = "import a\n\n\nfor b in (\n    1,  # one\n    2,\n):\n    # nothing\n    c = b; print(c)\n"
    assert lines_of_code(Block("", "python", python, None)) == 4
    assert lines_of_code(Block("", "bash", "# so\na | b \\\n  --c\n\nd && e\n", None)) == 2
    assert lines_of_code(Block("", "text", "a\nb\n", None)) == 0


def test_code_of_other_libraries_is_on_this_page_only() -> None:
    assert {block.where.partition(":")[0] for block in FOREIGN} == {name_of(PAGE)}
    assert {block.library for block in FOREIGN} == set(LIBRARIES.values())


def test_the_name_above_a_block_is_that_of_its_code() -> None:
    for text in jobs().values():
        for block in blocks_of(text, name_of(PAGE)):
            if block.library:
                before = text[: text.index(block.code)]
                assert LIBRARIES[re.findall(r"^\*\*([\w-]+)\*\*", before, re.MULTILINE)[-1]] == block.library, (
                    block.code
                )


@pytest.mark.parametrize("block", FOREIGN, ids=[block.where for block in FOREIGN])
def test_code_of_other_libraries_parses(block: Block) -> None:
    if block.language == "python":
        compile(block.code, block.where, "exec")
    else:
        subprocess.run(["bash", "-n"], input=block.code, text=True, check=True)


def test_spacy_has_the_names_that_the_page_imports() -> None:
    """spaCy is the one of them that the tests need anyway."""
    found = 0
    for block in FOREIGN:
        nodes = ast.walk(ast.parse(block.code)) if block.language == "python" and block.library == "spacy" else ()
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module:
                found += sum(hasattr(importlib.import_module(node.module), name.name) for name in node.names)
    assert found == 1


def test_our_scores_are_those_of_the_results() -> None:
    text = PAGE.read_text(encoding="utf-8")
    trained = re.search(r"trained on CoNLL-2003 \(elmo \+ glove \+ chars\) \| ([\d.]+ ± [\d.]+) \|", text)
    inside = re.search(r"inside the package \(three types[^|]*\| ([\d.]+) \|", text)
    assert trained and inside
    comparison = (PAGE.with_name("comparison.md")).read_text(encoding="utf-8")
    head, row = (
        next(line.split(" | ") for line in comparison.splitlines() if line.startswith(start))
        for start in ("|  | glove", "| named entities, CoNLL-2003")
    )
    assert row[head.index("elmo + glove + chars |")].removesuffix(" |") == trained[1]
    taggers = (PAGE.with_name("raw-text.md")).read_text(encoding="utf-8")
    assert f"| CoNLL-2003 testb, three of its types (not trained on) | F1 {inside[1]} |" in taggers
