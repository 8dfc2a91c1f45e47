"""The page in a real browser: it loads nothing, complains about nothing, and can be read."""

import base64
import dataclasses
import json
import re

import pytest

from cosim.report import build_report
from cosim.report.model import Column, Failure, KeyFigure, RunReport, Section, Table
from cosim.report.page import prose, section_ids


# The contrast of every piece of text with the nearest background behind it (WCAG 2.1, 1.4.3), for
# those below the limit: 4.5, or 3 for large text.
LOW_CONTRAST = """
(() => {
  const rgba = (text) => text.match(/[0-9.]+/g).map(Number);
  const linear = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const backdrop = (node) => {
    for (; node; node = node.parentElement) {
      const colour = rgba(getComputedStyle(node).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
  };
  const bad = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim());
    if (!own || ["SCRIPT", "STYLE", "title"].includes(node.tagName)) continue;
    const style = getComputedStyle(node);
    const ink = rgba(node instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [luminance(ink), luminance(backdrop(node))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (contrast < (large ? 3 : 4.5)) bad.push([node.textContent.trim(), contrast]);
  }
  return JSON.stringify(bad);
})()
"""


@pytest.fixture(scope="module")
def page(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(build_report(report), encoding="utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280], ids=["narrow", "wide"])
def test_page_loads_nothing_else_and_has_nothing_to_complain_about(browser, page, width, dark):
    browser.open(page, width=width, dark=dark)

    assert browser.requests() == [page.as_uri()]
    assert browser.complaints() == []


@pytest.mark.parametrize("width", [320, 768, 1280, 1920])
def test_page_is_never_wider_than_the_window(browser, page, width):
    browser.open(page, width=width)

    assert browser.evaluate("document.documentElement.scrollWidth") <= width


def test_browser_refuses_what_a_page_would_load_from_outside(browser, page, tmp_path):
    outside = tmp_path / "outside.html"
    picture = '<img src="other.png" alt="">'
    outside.write_text(page.read_text("utf-8").replace("<main", picture + "<main"), "utf-8")

    browser.open(outside)

    assert "Content Security Policy" in json.dumps(browser.complaints())


def test_first_heading_is_the_title_and_every_section_has_one(browser, page, report):
    browser.open(page)
    headings = browser.evaluate("[...document.querySelectorAll('h1, h2')].map(h => h.textContent)")

    assert headings == [report.title, *(s.title for s in report.sections), "Provenance"]


def test_first_screen_answers_what_was_run_whether_it_held_and_how_accurate(browser, page, report):
    browser.open(page, width=1280, height=720)
    visible = browser.evaluate(
        "[...document.querySelectorAll('h1, .verdict, .key')]"
        ".filter(e => e.getBoundingClientRect().bottom <= innerHeight)"
        ".map(e => e.innerText).join(' ')"
    ).replace("\N{NO-BREAK SPACE}", " ")

    assert report.title in visible
    assert "Held" in visible
    assert "93.4 %" in visible
    assert all(figure.label in visible for figure in report.key_figures)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_stands_out_from_its_background(browser, page, dark):
    browser.open(page, dark=dark)

    assert json.loads(browser.evaluate(LOW_CONTRAST)) == []


def test_light_and_dark_have_different_backgrounds(browser, page):
    colours = []
    for dark in (False, True):
        browser.open(page, dark=dark)
        colours.append(browser.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert colours[0] != colours[1]


def test_page_has_landmarks_and_names_for_those_who_do_not_see_it(browser, page, report):
    browser.open(page)
    count = "document.querySelectorAll('{}').length"
    charts = sum(hasattr(block, "chart") for s in report.sections for block in s.blocks)

    for landmark in ("header", "nav[aria-label]", "main", "footer"):
        assert browser.evaluate(count.format(landmark)) == 1, landmark
    shown = "[...document.querySelectorAll('figure svg[role=img][aria-label]')]"
    assert browser.evaluate(shown + ".filter(e => e.checkVisibility()).length") == charts
    assert browser.evaluate(count.format("th:not([scope])")) == 0
    assert browser.evaluate(count.format("table:not(:has(caption))")) == 0
    assert browser.evaluate("document.documentElement.lang") == "en"


def test_no_address_in_the_page_occurs_twice(browser, page):
    browser.open(page)
    ids = browser.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")

    assert len(ids) == len(set(ids))


def test_every_link_leads_to_a_place_in_the_page(browser, page):
    browser.open(page)
    lost = "[...document.links].filter(a => !document.getElementById(a.hash.slice(1))).length"

    assert browser.evaluate("document.links.length") > 0
    assert browser.evaluate(lost) == 0


def test_heading_of_a_table_sorts_its_rows_by_number_both_ways(browser, tmp_path):
    rows = (("a", 9.0), ("b", -1.0), ("c", 10.0))
    table = Table("Numbers", (Column("name"), Column("value", "A")), rows)
    path = tmp_path / "report.html"
    path.write_text(build_report(_small(blocks=(table,))), "utf-8")
    browser.open(path)
    click = "document.querySelectorAll('thead button')[1].click(); "
    read = "[...document.querySelectorAll('tbody th')].map(e => e.textContent).join('')"

    assert browser.evaluate(click + read) == "bac"
    assert browser.evaluate(click + read) == "cab"
    assert browser.evaluate("document.querySelector('[aria-sort]').cellIndex") == 1


def test_pointer_over_the_heat_map_reads_the_cell_under_it(browser, page):
    browser.open(page)
    row, col = 5, 30
    # Scrolling hides the tip, so it has to be over (two frames) before the pointer moves.
    browser.evaluate(
        "document.querySelector('.cover').scrollIntoView({block: 'center', behavior: 'instant'}); "
        "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"
    )
    spot = browser.evaluate(
        "(() => { const e = document.querySelector('.cover'), b = e.getBoundingClientRect(); "
        f"return [b.left + b.width * ({col} + 0.5) / 32, b.top + b.height * ({row} + 0.5) / 32, "
        f"JSON.parse(e.dataset.cells)[{row}][{col}]]; }})()"
    )
    browser.move_pointer(*spot[:2])

    tip = browser.evaluate("document.getElementById('tip').textContent")
    assert tip == f"row {row}, column {col}: {spot[2]}"
    assert browser.evaluate("document.getElementById('tip').hidden") is False


def test_hostile_text_is_shown_and_never_run(browser, tmp_path):
    hostile = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
    table = Table(hostile, (Column(hostile), Column("x")), ((hostile, hostile),), hostile)
    run = _small(
        title=hostile,
        summary=hostile,
        blocks=(hostile, table),
        failures=(Failure(hostile, hostile, hostile),),
        provenance={hostile: {hostile: hostile}},
        command=hostile,
    )
    path = tmp_path / "report.html"
    path.write_text(build_report(run), "utf-8")
    browser.open(path)

    assert browser.evaluate("document.querySelector('h1').textContent") == hostile
    assert browser.evaluate("document.querySelectorAll('img').length") == 0
    assert browser.evaluate("document.title") == f"{hostile} – cosim report"
    assert browser.complaints() == []


def test_page_that_cannot_run_scripts_still_holds_every_number(report):
    text = re.sub(r"<script>.*?</script>", "", build_report(report), flags=re.DOTALL)

    for expected in (
        "93.4",
        "7 min 11 s",
        "range-NRMSE",
        "sampling in ngspice",
        "9f2c11aa03be77d0",
    ):
        assert expected in text


def test_report_is_the_same_text_each_time(report):
    assert build_report(report) == build_report(report)


def test_failures_stand_before_the_sections_and_turn_the_verdict():
    failed = Failure("Tile 3", "no convergence", "loosen `reltol`")
    text = build_report(_small(ok=False, failures=(failed,)))

    assert text.index("What failed") < text.index("Only section")
    assert "Did not hold" in text
    assert "loosen <code>reltol</code>" in text


def test_sections_of_the_same_title_get_different_addresses():
    run = dataclasses.replace(
        _small(), sections=(Section("Main", ()), Section("A", ()), Section("A", ()))
    )

    assert section_ids(run) == ["main-2", "a", "a-2"]


def test_number_and_unit_stay_on_one_line():
    assert prose("at 15 % and 1.5 µA of 3 samples") == "at 15\u00a0% and 1.5\u00a0µA of 3 samples"


def test_screenshot_of_the_page_is_a_picture(browser, page):
    browser.open(page)

    assert base64.b64decode(browser.screenshot()).startswith(b"\x89PNG")


def _small(blocks=(), **changes):
    run = RunReport(
        title="Small",
        summary="A report with one section.",
        ok=True,
        key_figures=(KeyFigure("Figure", 1.0, "V"),),
        sections=(Section("Only section", tuple(blocks)),),
    )
    return dataclasses.replace(run, **changes)
