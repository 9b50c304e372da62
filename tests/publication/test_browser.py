"""The page in a real browser: no request, no complaint, light and dark, a telephone, paper."""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from duskwatch.publication.palette import INKS
from duskwatch.publication.write import write_report
from tests.publication.build import kp

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1100,900",
)  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    return write_report(kp(), folder)[0].as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if not (CHROMIUM.exists() and DRIVER.exists()):
        pytest.skip("chromium and chromedriver are not in /usr/bin (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    profile = tmp_path_factory.mktemp("profile")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    yield driver
    driver.quit()
    shutil.rmtree(profile, ignore_errors=True)


def emulate(browser: Any, page: str, *, theme: str = "light", width: int = 1100) -> None:
    features = [{"name": "prefers-color-scheme", "value": theme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(page)


def test_it_opens_from_a_file_without_a_request_or_a_complaint(browser: Any, page: str) -> None:
    browser.get("about:blank")
    browser.get_log("performance")
    browser.get_log("browser")
    emulate(browser, page)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith("data:")] == [page]
    assert browser.get_log("browser") == []


def test_headings_stand_in_order(browser: Any, page: str) -> None:
    emulate(browser, page)
    heads = browser.execute_script("return [...document.querySelectorAll('h1,h2')].map(h => h.textContent)")
    assert heads[0].replace("\u00a0", " ") == "North Korea was offline for 9½ hours on 22‑23 December 2014"
    for head in (
        "What happened",
        "All outages",
        "Each prefix",
        "Inputs",
        "What was not measured",
        "Words used here",
        "Method",
    ):
        assert head in heads


def _rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_and_charts_follow_the_preferred_theme(browser: Any, page: str, theme: str) -> None:
    emulate(browser, page, theme=theme)
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == _rgb(
        getattr(INKS["paper"], theme)
    )
    fills = browser.execute_script(
        "return [...document.querySelectorAll('.wide svg path')].map(p => getComputedStyle(p).fill)"
    )
    assert _rgb(getattr(INKS["dark"], theme)) in fills
    assert _rgb(getattr(INKS["state_dark"], theme)) in fills


def test_a_telephone_gets_the_narrow_charts_and_no_sideways_page(browser: Any, page: str) -> None:
    emulate(browser, page, width=390)
    wide, narrow, over = browser.execute_script(
        "const shown = s => [...document.querySelectorAll(s)].filter(e => e.offsetWidth).length;"
        "return [shown('.wide'), shown('.narrow'), document.documentElement.scrollWidth > innerWidth]"
    )
    assert (wide, over) == (0, False)
    assert narrow >= 5
    small = browser.execute_script(
        "return Math.min(...[...document.querySelectorAll('.narrow svg text')].filter(t => t.textContent)"
        ".map(t => t.getBoundingClientRect().height))"
    )
    assert small >= 9


def test_tables_fit_the_page_on_a_desk(browser: Any, page: str) -> None:
    emulate(browser, page)
    over = browser.execute_script(
        "return [...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth)"
        ".map(e => e.getAttribute('aria-label'))"
    )
    assert [name for name in over if not name.startswith("Files of")] == []


def test_text_of_charts_does_not_overlap(browser: Any, page: str) -> None:
    for width in (1100, 390):
        emulate(browser, page, width=width)
        clashes = browser.execute_script(
            """const out = [];
            for (const svg of document.querySelectorAll('figure svg')) {
              const boxes = [...svg.querySelectorAll('text')]
                .filter(t => t.textContent && getComputedStyle(t).opacity > 0 && t.getBoundingClientRect().width)
                .map(t => [t.textContent, t.getBoundingClientRect()]);
              for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++) {
                const [a, b] = [boxes[i][1], boxes[j][1]];
                const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
                const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
                if (across > 1 && down > 3) out.push([boxes[i][0], boxes[j][0]]);
              }
            } return out"""
        )
        assert clashes == []


def test_no_text_of_a_chart_is_cut_at_its_edge(browser: Any, page: str) -> None:
    for width in (1100, 390):
        emulate(browser, page, width=width)
        cut = browser.execute_script(
            """const out = [];
            for (const svg of document.querySelectorAll('figure svg')) {
              const edge = svg.getBoundingClientRect();
              for (const t of svg.querySelectorAll('text')) {
                const box = t.getBoundingClientRect();
                if (t.textContent && box.width && (box.right > edge.right + 1 || box.left < edge.left - 1))
                  out.push(t.textContent);
              }
            } return out"""
        )
        assert cut == []


def test_it_prints_in_light_colours_on_a_few_sheets(browser: Any, page: str, tmp_path: Path) -> None:
    emulate(browser, page, theme="dark")
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    document = base64.b64decode(printed["data"])
    assert document.startswith(b"%PDF-")
    if shutil.which("pdftoppm") is None:
        pytest.skip("pdftoppm is not installed (Debian: poppler-utils)")
    import subprocess

    (tmp_path / "page.pdf").write_bytes(document)
    subprocess.run(["pdftoppm", "-r", "20", "page.pdf", "sheet"], cwd=tmp_path, check=True)
    sheets = sorted(tmp_path.glob("sheet*.ppm"))
    assert 2 <= len(sheets) <= 8
    pixels = sheets[0].read_bytes()[-30_000:]
    assert sum(pixels) / len(pixels) > 200  # paper stays white
