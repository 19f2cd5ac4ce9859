"""The report in a real browser: it opens, filters, moves, marks, says nothing wrong and asks for nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from contrafact.differences import pieces
from contrafact.review import latest, marks_file, read_marks, summarise
from contrafact.review.serving import ReviewServer
from tests.core.builds import every_pair
from tests.report.browser import Opened, faults_of, launched, opened
from tests.report.datasets import HOSTILE, RECIPES, built

pytestmark = pytest.mark.system("chromium")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("browsed")
    for name in RECIPES:
        built(name, place)
    return place


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as running:
        yield running


def report(folder: Path, name: str) -> Path:
    return folder / name / "report.html"


@pytest.mark.parametrize(("name", "scheme"), [*((name, "light") for name in RECIPES), ("clinic", "dark")])
def test_a_report_opens_without_complaint_or_request_or_serious_fault(
    name: str, scheme: str, browser: Any, folder: Path
) -> None:
    with opened(browser, report(folder, name), scheme=scheme) as told:
        told.ready()
        assert faults_of(told.page) == []
        told.page.click('nav a[data-view="pairs"]')
        told.page.click("#more > summary")
        told.page.wait_for_selector(".pair")
        assert faults_of(told.page) == []
        assert told.complaints == []
        assert told.requests == [report(folder, name).resolve().as_uri()]


def test_hostile_text_is_shown_and_not_run_and_hidden_characters_are_seen(browser: Any, folder: Path) -> None:
    with opened(browser, report(folder, "reviews")) as told:
        told.ready()
        title = told.page.title()
        for number, wanted in ((0, HOSTILE), (1, "Ignore all previous instructions"), (2, "U+202E"), (2, "U+0000")):
            told.page.goto(f"{report(folder, 'reviews').resolve().as_uri()}#unit-00000{number}/0")
            told.page.wait_for_function(
                "id => document.querySelector('.pair h2')?.innerText === id", arg=f"unit-00000{number}/0"
            )
            assert wanted in told.page.locator("#pair .side.fact").first.inner_text()
        assert told.page.title() == title
        assert told.page.evaluate("[...document.querySelectorAll('#pair script, #pair img')].length") == 0
        told.page.goto(f"{report(folder, 'reviews').resolve().as_uri()}#unit-000003/0")
        told.page.wait_for_selector("text=the first 20,000 of")
        assert told.complaints == []


def test_the_page_marks_the_words_that_the_terminal_marks(browser: Any, folder: Path) -> None:
    with opened(browser, report(folder, "reviews")) as told:
        told.ready()
        pairs = {each["pair_id"]: each for each in every_pair(folder / "reviews").to_pylist()}
        for number in (5, 9, 20):
            name = f"unit-{number:06d}/0"
            told.page.goto(f"{report(folder, 'reviews').resolve().as_uri()}#{name}")
            told.page.wait_for_function("id => document.querySelector('.pair h2')?.innerText === id", arg=name)
            found = pieces(pairs[name]["factual"]["text"], pairs[name]["counterfactual"]["text"])
            assert told.page.locator("#pair .member del").all_inner_texts() == [
                p.text for p in found if p.kind == "removed"
            ]
            assert told.page.locator("#pair .member ins").all_inner_texts() == [
                p.text for p in found if p.kind == "added"
            ]


def test_keys_move_and_an_address_leads_to_any_pair(browser: Any, folder: Path) -> None:
    with opened(browser, report(folder, "clinic")) as told:
        told.ready()
        told.page.click('nav a[data-view="pairs"]')
        first = told.shown()
        told.page.keyboard.press("j")
        told.page.wait_for_function("id => document.querySelector('.pair h2').innerText !== id", arg=first)
        second = told.shown()
        assert told.page.evaluate("decodeURIComponent(location.hash)") == f"#{second}"
        told.page.keyboard.press("k")
        told.page.wait_for_function("id => document.querySelector('.pair h2').innerText === id", arg=first)
        told.page.keyboard.press("End")
        told.page.wait_for_function("() => document.getElementById('place').textContent.startsWith('400 /')")
        last = told.shown()
        told.page.keyboard.press("?")
        assert told.page.locator("#help").is_visible()
        told.page.keyboard.press("Escape")
        told.page.keyboard.press("/")
        assert told.page.evaluate("document.activeElement.id") == "search"
        address = told.page.url
    with opened(browser, address) as again:
        assert again.ready().shown() == last
        assert again.page.locator("#browser").is_visible()
        again.page.evaluate("location.hash = 'no such pair'")
        again.page.wait_for_selector("text=is not in this page")
        assert again.complaints == []


def test_filters_and_search_find_what_the_records_say(browser: Any, folder: Path) -> None:
    pairs = every_pair(folder / "clinic").to_pylist()
    with opened(browser, report(folder, "clinic")) as told:
        told.ready()
        told.page.click('nav a[data-view="pairs"]')
        told.page.click("#more > summary")
        told.page.select_option("#choose-verdict", "rejected")
        told.settled(sum(not each["accepted"] for each in pairs))
        reason = next(reason for each in pairs for reason in each["reasons"])
        value = told.page.evaluate(
            "wanted => [...document.querySelectorAll('#choose-reason option')]"
            ".find(o => o.text.startsWith(wanted)).value",
            reason,
        )
        told.page.select_option("#choose-reason", value)
        told.settled(sum(reason in each["reasons"] for each in pairs))
        told.page.click("#clear")
        told.settled(400)
        told.page.click("#scores-filter > summary")
        told.page.fill('[aria-label="least effect_size"]', "1.5")
        told.settled(sum((each["scores"]["effect_size"] or 0) >= 1.5 for each in pairs))
        told.page.click("#clear")
        told.page.select_option("#choose-moved", "stayed")
        told.settled(sum(each["label"] == each["counterfactual_label"] for each in pairs))
        told.page.click("#clear")
        name = pairs[17]["pair_id"]
        told.page.fill("#search", name.upper())
        told.settled(1)
        told.page.wait_for_function("id => document.querySelector('.pair h2').innerText === id", arg=name)
        told.page.fill("#search", "nothing holds this")
        told.page.wait_for_selector("text=No pair is like that")
        told.page.fill("#search", "")
        told.settled(400)
        assert told.complaints == []


def test_a_search_reads_the_texts_themselves(browser: Any, folder: Path) -> None:
    wanted = sum("the plot was" in each["factual"]["text"] for each in every_pair(folder / "reviews").to_pylist())
    with opened(browser, report(folder, "reviews")) as told:
        told.ready()
        told.page.click('nav a[data-view="pairs"]')
        told.page.fill("#search", "The PLOT was")
        told.settled(wanted)
        told.page.fill("#search", 'onerror="document')
        told.settled(1)


def test_a_reason_of_the_overview_leads_to_its_pairs(browser: Any, folder: Path) -> None:
    with opened(browser, report(folder, "reviews")) as told:
        told.ready()
        told.page.click(".reasons-list a")
        told.settled(20)
        assert "too far from the factual" in told.page.locator(".pair .reasons").inner_text()


def test_variables_are_marked_as_the_graph_says(browser: Any, folder: Path) -> None:
    pairs = every_pair(folder / "clinic").to_pylist()
    pair = next(each for each in pairs if each["accepted"] and each["intervention"][0]["variable"] == "arm")
    with opened(browser, f"{report(folder, 'clinic').resolve().as_uri()}#{pair['pair_id']}") as told:
        told.ready()
        states = told.page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('.values tbody tr')]"
            ".map(row => [row.querySelector('th').innerText, row.className]))"
        )
        assert states == {"age": "held", "severity": "held", "arm": "target", "dose": "moved", "recovery": "moved"}
        assert told.page.locator(".member.graph .node.target").get_attribute("data-node") == "arm"
        assert sorted(
            told.page.evaluate("[...document.querySelectorAll('.member.graph .node.moved')].map(n => n.dataset.node)")
        ) == ["dose", "recovery"]


def test_code_is_aligned_and_coloured_and_pictures_are_outlined(browser: Any, folder: Path) -> None:
    with opened(browser, f"{report(folder, 'functions').resolve().as_uri()}#unit-000002/0") as told:
        told.ready()
        assert told.page.locator(".split tr.changed").count() == 1
        assert told.page.locator(".split tr.changed del").inner_text() == "<"
        assert told.page.locator(".split tr.changed ins").inner_text() == ">"
        assert told.page.locator(".split .k-word", has_text="def").count() == 2
    with opened(browser, f"{report(folder, 'waves').resolve().as_uri()}#unit-000001/0") as told:
        told.ready()
        assert told.page.locator(".series path.trace").count() == 2
        box = told.page.wait_for_selector(".media .side.fact .outline rect", state="attached")
        told_box = [float(box.get_attribute(name)) for name in ("x", "y", "width", "height")]
        assert told_box == pytest.approx([25.0, 25.0, 37.5, 25.0], abs=0.01)
        assert told.complaints == []


def test_an_edit_is_told_in_few_digits_and_its_place_in_words(browser: Any, folder: Path) -> None:
    with opened(browser, report(folder, "waves")) as told:
        told.ready()
        told.page.click('nav a[data-view="pairs"]')
        for number, wanted, listed in (
            (0, "do wave.level 0.3801 → 1.2", "wave.level: 0.3801 → 1.2"),
            (1, "shift wave 0 → 3 20", "wave: 0 → 3"),
            (2, "swap wave 19.90 → 20.50 at 23 to 33 and 52 to 60", "wave: 19.90 → 20.50"),
            (3, 'shift wave 0.12345678 → 0.12345679 {"spans": [[1]]}', "wave: 0.12345678 → 0.12345679"),
        ):
            told.page.click(f"#row-{number}")
            told.page.wait_for_function(
                "id => document.querySelector('.pair h2').innerText === id", arg=f"unit-{number:06d}/0"
            )
            assert told.page.locator(".pair .edits li").inner_text() == wanted
            assert told.page.locator(f"#row-{number} .told").inner_text() == listed


def test_only_what_is_code_in_a_text_is_coloured(browser: Any, folder: Path) -> None:
    for number, words in ((0, ["def", "for", "in", "if", "return"]), (1, [])):
        with opened(browser, f"{report(folder, 'functions').resolve().as_uri()}#unit-00000{number}/0") as told:
            told.ready()
            told.page.click(".unchanged summary >> text=question")
            assert told.page.locator(".unchanged .k-word").all_inner_texts() == words


def test_marks_are_stored_as_they_are_given(browser: Any, folder: Path) -> None:
    reviews = folder / "reviews"
    with ReviewServer(reviews) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            with opened(browser, server.address) as told:
                _reviewed(told.ready())
        finally:
            server.shutdown()
            thread.join(10)
    marks = latest(read_marks(marks_file(reviews))[0])
    assert sorted(str(each.mark) for each in marks.values()) == ["right", "unclear", "wrong"]
    assert {each.reviewer for each in marks.values()} == {"ada"}
    found = summarise(reviews)
    assert (found.pairs, found.stale, found.unknown) == (3, 0, 0)


def _reviewed(told: Opened) -> None:
    """Say who one is, mark three pairs with the keys, and take a fourth mark back."""
    page = told.page
    assert page.locator("#browser").is_visible()  # a review opens on the pairs, and the overview is still there
    page.click('nav a[data-view="overview"]')
    assert page.locator("#overview").is_visible()
    page.click('nav a[data-view="pairs"]')
    page.keyboard.press("1")
    page.wait_for_selector("text=Say who you are first")
    page.keyboard.type("ada 123")
    assert page.input_value("#reviewer") == "ada 123"
    page.fill("#reviewer", "ada")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "list"
    page.click("#blind")  # a box that was ticked holds no keys back
    for key, count in (
        ("1", "1 right · 0 wrong"),
        ("2", "1 right · 1 wrong"),
        ("3", "1 wrong · 1 unclear"),
        ("1", "2 right"),
    ):
        before = told.shown()
        page.keyboard.press(key)
        page.wait_for_function("wanted => document.getElementById('tally').textContent.includes(wanted)", arg=count)
        page.wait_for_function("id => document.querySelector('.pair h2').innerText !== id", arg=before)
    page.keyboard.press("k")
    page.wait_for_selector('#review .mark.right[aria-pressed="true"]')
    page.keyboard.press("0")
    page.wait_for_function("() => document.getElementById('tally').textContent.startsWith('1 right')")
    page.click("#more > summary")
    page.select_option("#choose-mark", "unmarked")
    told.settled(57)
    assert faults_of(page) == []
    assert told.complaints == []
    assert all(asked.startswith("http://127.0.0.1:") for asked in told.requests)


def test_the_page_prints_on_paper(browser: Any, folder: Path, tmp_path: Path) -> None:
    with opened(browser, report(folder, "clinic"), scheme="dark") as told:
        told.ready()
        told.page.pdf(path=tmp_path / "report.pdf", format="A4", print_background=True)
        assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
        told.page.emulate_media(media="print")
        assert told.page.locator(".topbar").is_hidden()
        assert told.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_narrow_window_holds_the_page(browser: Any, folder: Path) -> None:
    with opened(browser, report(folder, "clinic"), width=390, height=800) as told:
        told.ready()
        for view in ("overview", "pairs"):
            told.page.click(f'nav a[data-view="{view}"]')
            assert told.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
        assert json.loads(told.page.evaluate("JSON.stringify(document.title)")) == "clinic · contrafact"
