"""A hook of MkDocs: links from a page to files of the repository outside docs/ lead to copies within the site.

So a page links `../results/probe-ud-ewt-pos.png` or `../configs/ner.yaml` as it lies in the repository, where who reads
the Markdown follows it too, and the built site holds what it shows.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

LINK = re.compile(r"(\]\()([^)#\s]+)(?=[)#])")
PLACE = "files"  # where the copies are in the site


def outside(link: str, page: str) -> str | None:
    """The path in the repository that a page's link means, if it is outside docs/. page: its path within docs/."""
    if ":" in link or link.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))
    return None if path.startswith("docs/") else path


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files that pages link to. Documents are no such files: they have pages, or none."""
    root = Path(config.config_file_path).parent
    wanted = {
        path
        for file in list(files.documentation_pages())
        for _, link in LINK.findall(file.content_string)
        if (path := outside(link, file.src_uri)) and not path.endswith(".md") and (root / path).is_file()
    }
    for path in sorted(wanted):
        copy = File.generated(
            config, f"{PLACE}/{path}", abs_src_path=str(root / path), inclusion=InclusionLevel.INCLUDED
        )
        files.append(copy)
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: Any) -> str:
    """Lead the links to the copies."""
    here = posixpath.dirname(page.file.src_uri)

    def led(found: re.Match[str]) -> str:
        path = outside(found[2], page.file.src_uri)
        if path is None or files.get_file_from_path(f"{PLACE}/{path}") is None:
            return found[0]
        return found[1] + posixpath.relpath(f"{PLACE}/{path}", here or ".")

    return LINK.sub(led, markdown)
