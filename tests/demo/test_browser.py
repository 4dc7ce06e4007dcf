"""The page in a real browser, served in a separate process. No test may cause an error or contact another host."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

pytestmark = pytest.mark.slow

# Runs the verb and says which other hosts the process looks up or connects to.
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


@contextmanager
def served(folders: Iterable[Path]) -> Iterator[str]:
    """Serve the page of some runs; the value is its address."""
    command = [sys.executable, "-c", PROGRAM, "demo", *map(str, folders), "--no-browser"]
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
def address(run_folders: dict[str, Path]) -> Iterator[str]:
    with served(run_folders.values()) as found:
        yield found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address, cards=5) as found:
        yield found


@contextmanager
def opened(browser: Browser, address: str, cards: int) -> Iterator[Page]:
    """The page, loaded. Afterwards: no error in the console, no failed request, no request to another host."""
    loaded = browser.new_page(viewport={"width": 1400, "height": 1000})
    faults: list[str] = []
    loaded.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
    loaded.on("pageerror", lambda error: faults.append(str(error)))
    # The page gives up an answer when the next text is sent.
    loaded.on("requestfailed", lambda got: "ABORTED" in (got.failure or "") or faults.append(f"failed: {got.url}"))
    loaded.on("response", lambda got: faults.append(f"{got.status}: {got.url}") if got.status >= 400 else None)
    hosts: set[str] = set()
    loaded.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    loaded.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).netloc))
    loaded.goto(address)
    expect(loaded.locator("#answer .card")).to_have_count(cards)
    yield loaded
    loaded.close()
    assert not faults, faults
    assert hosts - {""} == {urlsplit(address).netloc}  # "": data: and blob: addresses


def say(page: Page, text: str) -> None:
    """Put a text in as a paste does, and press Enter."""
    box = page.locator("#text")
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
    page.locator("#text").fill("Ada sold Rome .")
    page.locator("#show").click()
    expect(page.locator(".frame .predicate")).to_have_count(1)
    expect(page.locator(".frame .predicate")).to_have_text("sold")
    expect(page.locator(".frame .mark").first).to_contain_text("ARG0")
    expect(page.locator(".label .bar.best .value")).to_contain_text("%")
    expect(page.locator(".entities .mix .stack span")).to_have_count(3)


def test_a_hypothesis_is_typed_into_a_box_of_its_own(
    browser: Browser, pair_folder: Path, run_folders: dict[str, Path]
) -> None:
    with served([pair_folder, run_folders["sentiment"]]) as address, opened(browser, address, cards=3) as page:
        verdict, second = (
            page.locator(".card").filter(has_text="Inference").locator(".verdict"),
            page.locator("#second"),
        )
        expect(verdict).to_have_text(re.compile("entailment|neutral|contradiction"))
        second.fill("")
        second.press("Enter")
        expect(page.get_by_text("Type a hypothesis into the second box")).to_be_visible()
        page.get_by_role("button", name="Two women are playing chess").click()
        expect(second).to_have_value("Nobody is playing chess.")
        expect(verdict).to_be_visible()
        page.get_by_role("button", name="The mayor of Geneva").click()
        expect(second).to_have_value("")


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
    page.locator("#tokenised").check()
    say(page, nasty)
    for word in nasty.split():
        expect(page.locator(".entities .running")).to_contain_text(word)
    assert page.locator("#answer img, #answer script").count() == 0
    assert page.evaluate("window.hit") is None


def test_an_empty_box_is_asked_to_be_filled(page: Page) -> None:
    say(page, "")
    expect(page.locator("#answer .note")).to_have_text("Type a text, then press Enter.")


def test_a_long_paste_is_cut_with_a_note(page: Page) -> None:
    say(page, "Ada lives in Rome , " * 1000)
    expect(page.locator("#answer .note").last).to_contain_text("first 160 tokens", timeout=20_000)
    expect(page.locator(".heat").first.locator("tr")).to_have_count(41)


def test_an_example_is_answered(page: Page) -> None:
    page.get_by_text("The dog began to bark").click()
    expect(page.locator(".heat").first.locator("tr").nth(12).locator("th")).to_have_text("bark")


ARABIC = "زارت Ada مدينة روما"
PASTES = [
    "Ada lives in Rome . " * 40,
    "W" * 200 + " " + "(" * 60 + " https://example.org/" + "x" * 170,
    f"{ARABIC}. Ada lives in Rome. Bo sold Oslo.",
]


@pytest.mark.parametrize("text", ["", *PASTES], ids=["example", "long", "wide", "sentences"])
@pytest.mark.parametrize("width", [390, 320, 820])
def test_the_page_never_scrolls_sideways(page: Page, text: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    if text:
        say(page, text)
        expect(page.locator("#status")).to_have_text("The answer has been updated.", timeout=30_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = page.locator("main button, textarea, select, .card, .entity .label, .mark, .bar .value, .note")
    for box in boxes.evaluate_all("all => all.map((one) => one.getBoundingClientRect().toJSON())"):
        assert box["left"] >= 0 and box["right"] <= width + 0.5, box


def test_text_is_shown_in_its_direction(page: Page) -> None:
    say(page, ARABIC)
    expect(page.locator("#status")).to_have_text("The answer has been updated.")
    for shown in ("#text", ".running", ".tagged", ".heat th >> nth=4"):
        assert page.locator(shown).first.evaluate("one => getComputedStyle(one).direction") == "rtl", shown
    assert page.locator(".card h2").first.evaluate("one => getComputedStyle(one).direction") == "ltr"


def test_the_focus_is_seen_on_everything_that_the_keyboard_reaches(page: Page) -> None:
    page.locator("body").click(position={"x": 1, "y": 1})
    reached = []
    for _ in range(14):
        page.keyboard.press("Tab")
        name, style, width = page.evaluate(
            """() => {
                const one = document.activeElement, seen = getComputedStyle(one);
                return [one.ariaLabel || one.id || one.tagName, seen.outlineStyle, parseFloat(seen.outlineWidth)];
            }"""
        )
        if name == "BODY":
            break
        assert style == "solid" and width >= 2, name
        reached.append(name)
    examples = ["BUTTON"] * 3
    layers = ["layer 0", "layer 1", "layer 2"]
    assert reached == ["text", "show", "tokenised", *examples, "first token", "second token", *layers]


CONTRASTS = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const painted = (colours) => {  // one over the other
        canvas.clearRect(0, 0, 1, 1);
        for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = (parts) => {
        const [r, g, b] = parts.map((p) => p / 255).map((p) => p <= 0.04045 ? p / 12.92 : ((p + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const one = texts.currentNode.parentElement, style = getComputedStyle(one);
        const shown = parseFloat(style.fontSize) > 0 && one.checkVisibility();
        if (!shown || !texts.currentNode.textContent.trim()) continue;
        const under = [];
        for (let at = one; at; at = at.parentElement) under.unshift(getComputedStyle(at).backgroundColor);
        const [dark, light] = [painted(under), painted([...under, style.color])].map(luminance).sort((a, b) => a - b);
        found.push([(light + 0.05) / (dark + 0.05), texts.currentNode.textContent.trim().slice(0, 40), one.className]);
    }
    return found.sort((a, b) => a[0] - b[0]);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_that_is_shown_has_contrast(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    say(page, "Ada sold Rome. Bo lives in Oslo.")
    expect(page.locator("#answer .note")).to_contain_text("split into 2 sentences")
    expect(page.locator("#answer")).not_to_have_attribute("aria-busy", re.compile(".*"))
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(245, 247, 250)") == (scheme == "light")
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 100 and contrasts[0][0] >= 4.5, contrasts[:5]
