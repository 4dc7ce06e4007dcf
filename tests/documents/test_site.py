"""The site builds without a warning and asks no other host for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fenced_blocks import ROOT
from playwright.sync_api import expect, sync_playwright

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


class Loads(HTMLParser):
    """Collects what a page loads from elsewhere, and what its links within the site name."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(LOADED.get(tag, ""), None) or ""
        if address.startswith(("http:", "https:", "//")):
            self.outside.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.documents
def test_nothing_comes_from_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) >= 20
    for page in pages:
        loads = Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        assert not loads.outside, f"{page.relative_to(site)} loads {loads.outside}"
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert "@import" not in text and "url(http" not in text and "url(//" not in text, sheet


@pytest.mark.documents
def test_the_site_has_what_its_pages_show(site: Path) -> None:
    assert (site / "files/results/probe-ud-ewt-pos.png").is_file()
    assert 'src="files/results/probe-ud-ewt-pos.png"' in (site / "probing.html").read_text(encoding="utf-8")
    assert "--embedders" in (site / "command-line.html").read_text(encoding="utf-8")
    assert (site / "files/examples/tutorial.ipynb").is_file()
    assert (site / "files/examples/tutorial/recipes/train.txt").is_file()


@pytest.mark.documents
def test_no_page_scrolls_sideways_on_a_phone(site: Path, chromium: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 900})
        wide = []
        for file in sorted(site.glob("*.html")):
            page.goto(file.as_uri())
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                wide.append(file.name)
        browser.close()
    assert not wide


def test_loads_are_found() -> None:
    loads = Loads()
    loads.feed(
        '<script src="https://a/b.js"></script><a href="https://c">c</a><link href="x.css"><img src="//d/e.png">'
    )
    assert loads.outside == ["https://a/b.js", "//d/e.png"]


@pytest.mark.documents
def test_the_search_works_from_a_disk(site: Path, chromium: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        outside: list[str] = []
        page.on("request", lambda request: request.url.startswith("http") and outside.append(request.url))
        page.goto((site / "index.html").as_uri())
        page.locator("input.md-search__input").press_sequentially("batch_to_ids")  # the theme waits for keys
        expect(page.locator(".md-search-result__link").first).to_be_visible(timeout=30_000)
        browser.close()
    assert not outside


@pytest.mark.documents
def test_long_signatures_have_a_line_per_argument(site: Path) -> None:
    text = re.sub(r"<[^>]+>", "", (site / "api/runs.html").read_text(encoding="utf-8"))
    assert re.search(r"train\(\n +task: .*,\n +output: ", text), text[:2000]
