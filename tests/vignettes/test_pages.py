"""Every page of `make vignettes` in headless Chromium, from disk and without a network.

`make check-vignettes` builds the pages and runs this; elsewhere it is skipped where they were not
built, or where there is no Chromium (Debian: chromium, chromium-driver). With SCREENSHOTS=folder a
picture of each page is left there.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

webdriver = pytest.importorskip("selenium.webdriver")

SITE = Path(__file__).parents[2] / "build" / "site"
PAGES = sorted(page for page in SITE.glob("**/*.html") if "_static" not in page.parts)
SCREENSHOTS = os.environ.get("SCREENSHOTS")
WIDTHS = {"desk": 1280, "phone": 390}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PAGES, reason="make vignettes has not been run"),
    pytest.mark.skipif(not shutil.which("chromedriver"), reason="there is no chromedriver"),
]

# Names in the page that reach over its right edge and do not lie in a box that scrolls or clips.
OVERFLOWING = """
const edge = document.documentElement.clientWidth;
const contained = element => {
  for (let box = element.parentElement; box && box !== document.body; box = box.parentElement)
    if (getComputedStyle(box).overflowX !== 'visible') return true;
  return false;
};
return [...document.querySelectorAll('main *')]
  .filter(one => one.getBoundingClientRect().right > edge + 1 && !contained(one))
  .map(one => one.tagName + '.' + one.className + ': ' + one.textContent.trim().slice(0, 60));
"""
# Pictures that are broken or that say nothing to who does not see them.
MUTE = """
return [...document.querySelectorAll('.cell_output img, figure img')]
  .filter(one => !one.complete || !one.naturalWidth || one.alt.trim().length < 15
                 || one.alt.startsWith('../') || one.alt.startsWith('_images'))
  .map(one => one.src.split('/').pop() + ': ' + one.alt);
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """Chromium without a network that writes down what pages ask for."""
    options = webdriver.ChromeOptions()
    options.add_argument("--headless=new")
    options.add_argument("--no-sandbox")
    options.add_argument("--disable-gpu")
    options.add_argument("--disable-dev-shm-usage")
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.binary_location = shutil.which("chromium") or ""
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.mark.parametrize("width", WIDTHS, ids=str)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(SITE)))
def test_a_page_opens_offline(browser: webdriver.Chrome, page: Path, width: str) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": WIDTHS[width], "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.get_log("performance"), browser.get_log("browser")
    browser.get(page.as_uri())
    picture(browser, page, width)
    assert errors(browser) == []
    assert [address for address in requested(browser) if not address.startswith(LOCAL)] == []
    assert browser.execute_script(OVERFLOWING) == []
    assert browser.execute_script(
        "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    assert browser.execute_script(MUTE) == []


LOCAL = ("file:", "data:", "blob:", "about:")


def errors(browser: webdriver.Chrome) -> list[str]:
    """Return what the page wrote on the console in despair."""
    return [
        entry["message"]
        for entry in browser.get_log("browser")
        if entry["level"] in ("SEVERE", "WARNING")
    ]


def requested(browser: webdriver.Chrome) -> list[str]:
    """Return every address that the page asked for."""
    messages = (json.loads(one["message"])["message"] for one in browser.get_log("performance"))
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


def picture(browser: webdriver.Chrome, page: Path, width: str) -> None:
    """Leave a picture of the page, on light and on dark paper, if a folder for it was named."""
    if not SCREENSHOTS:
        return
    name = re.sub(r"\W+", "-", str(page.relative_to(SITE).with_suffix("")))
    for paper in ("light", "dark"):
        browser.execute_script("document.documentElement.dataset.theme = arguments[0]", paper)
        height = browser.execute_script("return document.documentElement.scrollHeight")
        shot = browser.execute_cdp_cmd(
            "Page.captureScreenshot",
            {
                "captureBeyondViewport": True,
                "clip": {"x": 0, "y": 0, "width": WIDTHS[width], "height": height, "scale": 1},
            },
        )
        folder = Path(SCREENSHOTS)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}-{width}-{paper}.png").write_bytes(base64.b64decode(shot["data"]))
