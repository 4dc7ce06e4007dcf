"""The page in a real browser, served by the verb in a process of its own. No test may meet an error or another host."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

# Runs the verb and says which other hosts the process looks up or connects to.
pytestmark = pytest.mark.slow

PROGRAM = """
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        address = arguments[1] if event == "socket.connect" else arguments
        host = address[0] if isinstance(address, tuple) else None  # a path is a socket of this machine
        host = host.decode() if isinstance(host, bytes) else host
        if host not in (None, "", "localhost", "127.0.0.1", "::1"):
            print("another host:", event, host, flush=True)
sys.addaudithook(watch)
from elmo_tasks.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def address(run_folders: dict[str, Path]) -> Iterator[str]:
    command = [sys.executable, "-c", PROGRAM, "demo", *map(str, run_folders.values()), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        lines: list[str] = []
        for line in server.stdout:
            lines.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                yield found[0]
                break
        server.terminate()
        lines += server.stdout.readlines()
    assert "interrupted by SIGTERM" in lines.pop()
    assert len(lines) == 1, f"expected nothing but the address, got {lines}"


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, loaded. Afterwards: no error in the console, no failed request, no request to another host."""
    opened = browser.new_page(viewport={"width": 1400, "height": 1000})
    faults: list[str] = []
    opened.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    # Gradio ends the stream of an answer that it has got to its end.
    opened.on("requestfailed", lambda got: "ABORTED" in (got.failure or "") or faults.append(f"failed: {got.url}"))
    opened.on("response", lambda got: faults.append(f"{got.status}: {got.url}") if got.status >= 400 else None)
    hosts: set[str] = set()
    opened.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    opened.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).netloc))
    opened.goto(address)
    expect(opened.locator("#answer .card")).to_have_count(4)
    yield opened
    opened.close()
    assert not faults, faults
    assert hosts - {""} == {urlsplit(address).netloc}  # "": data: and blob: addresses


def say(page: Page, text: str) -> None:
    """Put a text in as a paste does, and press Enter."""
    box = page.locator("#text textarea")
    box.fill("")
    page.keyboard.insert_text(text)
    box.press("Enter")


def test_an_entity_is_highlighted(page: Page) -> None:
    say(page, "Flo lives in Lima.")
    entities = page.locator("mark.entity")
    expect(entities).to_have_count(2)
    expect(entities.first).to_contain_text(re.compile(r"Flo\s+PER (> )?\d\d\.\d %"))
    colours = [mark.evaluate("mark => getComputedStyle(mark).backgroundColor") for mark in entities.all()]
    assert len({*colours, "rgba(0, 0, 0, 0)"}) == 3, colours


def test_frames_sentiment_and_mix_are_shown(page: Page) -> None:
    page.locator("#text textarea").fill("Ada sold Rome .")
    page.locator("#show button, button#show").first.click()
    expect(page.locator(".frame .predicate")).to_have_text("sold")
    expect(page.locator(".frame .role").first).to_contain_text("ARG0")
    expect(page.locator(".sentiment .bar.best .value")).to_contain_text("%")
    expect(page.locator(".ner .mix .stack span")).to_have_count(3)


def test_two_tokens_are_compared_by_layer(page: Page) -> None:
    say(page, "the bank by the river bank")
    expect(page.locator(".pair .one")).to_have_value("1")
    expect(page.locator(".pair .other")).to_have_value("5")
    tables = page.locator(".heat")
    expect(tables).to_have_count(3)
    values = page.locator(".pair .value")
    expect(values.nth(0)).to_have_text("1.00")  # layer 0 sees the word alone
    cell = tables.nth(2).locator("tr").nth(2).locator("td").nth(4)  # bank, river
    cell.click()
    expect(page.locator(".pair .other")).to_have_value("4")
    expect(values.nth(2)).to_have_text(cell.text_content() or "")
    page.locator(".pair .other").select_option("1")
    expect(values).to_have_text(["1.00", "1.00", "1.00"])


def test_markup_is_shown_as_text(page: Page) -> None:
    nasty = "<script>window.hit=1</script> <img src=x onerror=window.hit=1> <mark>Ada</mark> ${7*7} {{value}} &lt;"
    page.locator("#tokenised input").check()
    say(page, nasty)
    for word in nasty.split():
        expect(page.locator(".ner .running")).to_contain_text(word)
    assert page.locator("#answer img, #answer script").count() == 0
    assert page.evaluate("window.hit") is None


def test_an_empty_box_is_asked_to_be_filled(page: Page) -> None:
    say(page, "")
    expect(page.locator("#answer .note")).to_have_text("Type a sentence, then press Enter.")


def test_a_long_paste_is_cut_with_a_note(page: Page) -> None:
    say(page, "Ada lives in Rome . " * 1000)
    expect(page.locator("#answer .note")).to_contain_text("first 160 tokens", timeout=20_000)
    expect(page.locator(".heat").first.locator("tr")).to_have_count(41)


def test_an_example_is_answered(page: Page) -> None:
    page.get_by_text("The dog began to bark").click()
    expect(page.locator(".heat").first.locator("tr").nth(12).locator("th")).to_have_text("bark")
