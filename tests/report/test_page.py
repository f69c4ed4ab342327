"""Reports: one file that shows everything and loads nothing."""

from __future__ import annotations

import re
import sys

import pytest

import statdl as sd
from statdl.report import page
from statdl.report.page.document import render_page
from statdl.results.reports import call_text
from tests.report.html_reader import Reader

CARS = sd.datasets.load("mtcars")
NAME = "<b>x & y</b>"


def written(result, tmp_path, **options) -> str:
    path = tmp_path / "report.html"
    result.report(path, **options)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def fit() -> sd.Fit:
    return sd.lm("mpg ~ wt + factor(cyl)", data=CARS)


@pytest.fixture(scope="module")
def report(fit, tmp_path_factory) -> Reader:
    return Reader(written(fit, tmp_path_factory.mktemp("report"), validate=True))


def test_sections_and_their_names(report):
    ids = [one["id"] for one in report.all("section")]
    links = [one["href"] for one in report.all("a")][1:]
    assert links == [f"#{one}" for one in ids]
    for title in ("Data and call", "What it says", "Summary", "Pictures", "Diagnostics", "Parity",
                  "Session"):  # fmt: skip
        assert title in report.text
    assert "lm('mpg ~ wt + factor(cyl)', data=<DataFrame of 32 × 11>)" in report.text
    assert "quantities agree" in report.text
    assert sd.__version__ in report.text


def test_nothing_is_loaded_from_elsewhere(report):
    tags = {tag for tag, _ in report.seen}
    assert not tags & {"script", "iframe", "object", "embed", "form", "base"}
    for _, attributes in report.seen:
        for name in ("src", "srcset", "href"):
            assert (attributes.get(name) or "data:").startswith(("data:", "#"))
    [policy] = [one for one in report.all("meta") if one.get("http-equiv")]
    assert "default-src 'none'" in str(policy["content"])


def test_pictures_have_alternatives_and_dark_twins(report):
    images = report.all("img")
    assert len(images) >= 14
    assert all(len(str(one["alt"])) > 20 for one in images)
    assert "Toyota Corolla (2.40)" in str(images[-8]["alt"])
    assert [one["class"] for one in images] == ["light", "dark"] * (len(images) // 2)
    for light, dark in zip(images[::2], images[1::2], strict=True):
        assert light["alt"] == dark["alt"]
        assert light["src"] != dark["src"]


def test_it_is_a_page_for_readers_of_all_kinds(report):
    assert report.all("html") == [{"lang": "en"}]
    headings = [tag for tag, _ in report.seen if re.fullmatch(r"h\d", tag)]
    assert headings == ["h1"] + ["h2"] * (len(headings) - 1)
    landmarks = {"header", "nav", "main", "footer"}
    assert landmarks <= {tag for tag, _ in report.seen}
    regions = [one for _, one in report.seen if one.get("role") == "region"]
    assert regions
    assert all(one.get("tabindex") == "0" and one.get("aria-label") for one in regions)
    assert {one.get("scope") for one in report.all("th")} == {"row", "col"}


def test_names_of_columns_do_not_become_markup(tmp_path):
    data = CARS.rename(columns={"wt": NAME, "cyl": "</style><script>alert(1)</script>"})
    fit = sd.lm(f"mpg ~ `{NAME}` + factor(`</style><script>alert(1)</script>`)", data=data)
    text = written(fit, tmp_path, title='"><img src=x onerror=alert(1)>')
    assert NAME not in text
    assert "<script" not in text
    reader = Reader(text)
    assert f"For each additional unit of {NAME}" in reader.text
    assert {tag for tag, _ in reader.seen} == {
        tag for tag, _ in Reader(written(sd.lm("mpg ~ wt + factor(cyl)", data=CARS), tmp_path)).seen
    }


def test_a_name_that_is_no_text_does_not_break_the_page(tmp_path):
    data = {"y": [1.0, 2.0, 4.0, 5.5, 6.0], "a\x1b[31m\ud800b": [1.0, 2.0, 3.0, 4.0, 7.0]}
    shown = page.Page("t", "a\x1b[31m", (page.Section("s", (page.Source("a\x1bb\nc"),)),))
    assert "\x1b" not in render_page(shown)
    names = list(data)
    fit = sd.lm(X=[[one] for one in data[names[1]]], y=data["y"], names=["a\u202eb"])
    assert "\u202e" not in written(fit, tmp_path)


def test_without_matplotlib_the_report_says_so_and_has_the_rest(fit, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    lazy = sys.modules["statdl.report.page.picture"].matplotlib
    for name in [name for name in vars(lazy) if not name.startswith("__")]:
        monkeypatch.delitem(vars(lazy), name)
    reader = Reader(written(fit, tmp_path))
    assert "matplotlib is not installed" in reader.text
    assert "pip install 'statdl[plot]'" in reader.text
    assert not reader.all("img")
    assert "RESET test" in reader.text


def test_pictures_leave_no_trace(fit, tmp_path):
    import matplotlib
    from matplotlib import pyplot

    before, figures = dict(matplotlib.rcParams), pyplot.get_fignums()
    written(fit, tmp_path)
    assert dict(matplotlib.rcParams) == before
    assert pyplot.get_fignums() == figures


def test_the_same_fit_gives_the_same_report(fit, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    first = written(fit, tmp_path)
    assert "1970-01-01" in first
    assert written(fit, tmp_path) == first


def test_a_report_that_fails_leaves_the_older_one(fit, tmp_path):
    net = sd.mlp("mpg ~ wt", data=CARS, hidden=1, decay=0.1)
    path = tmp_path / "report.html"
    path.write_text("older")
    with pytest.raises(sd.ModelError, match="networks"):
        net.report(path, validate=True)
    assert path.read_text() == "older"
    with pytest.raises(OSError, match="missing"):
        fit.report(tmp_path / "missing" / "report.html")


def test_networks_show_themselves(tmp_path):
    method = sd.GradientDescent(sd.Adam(0.1), batch=8, epochs=5, seed=0)
    net = sd.mlp("mpg ~ wt", data=CARS, hidden=2, method=method, seed=0)
    alternatives = [str(one["alt"]) for one in Reader(written(net, tmp_path)).all("img")]
    assert alternatives[0].startswith("Drawing of the network: 1 input to 2 tanh units to 1 output")
    assert alternatives[2].startswith("Loss by epoch")
    assert alternatives[4].startswith("Effect of wt: the mean of mpg is on average")


def test_several_classes_and_loaded_fits_have_reports(tmp_path):
    housing = sd.datasets.load("housing")
    tenants = sd.multinom("Sat ~ Infl", data=housing, weights="Freq")
    assert "the odds of High rather than Low" in Reader(written(tenants, tmp_path)).text
    tenants.save(tmp_path / "m.statdl")
    text = Reader(written(sd.load(tmp_path / "m.statdl"), tmp_path)).text
    assert "the odds of High rather than Low" in text
    assert "holds no rows" in text


def test_a_comparison_ranks_and_says_what_that_is_worth(tmp_path):
    fits = [sd.lm("mpg ~ wt", data=CARS), sd.lm("mpg ~ wt + hp", data=CARS)]
    text = Reader(written(sd.compare(*fits), tmp_path)).text
    assert "AIC is lowest for (2)" in text
    assert "they are no tests" in text


def test_any_table_has_a_report(fit, tmp_path):
    text = Reader(written(fit.anova(), tmp_path, title="Terms")).text
    assert text.lstrip().startswith("Terms")
    assert "Analysis of variance" in text


def test_sections_of_ones_own(tmp_path):
    facts = page.Facts((("a", "1"),))
    shown = page.Page("T", "", (page.Section("One", (facts, page.Prose(("x < y",)))),))
    page.write_page(tmp_path / "own.html", shown)
    reader = Reader((tmp_path / "own.html").read_text(encoding="utf-8"))
    assert "x < y" in reader.text
    assert not reader.all("nav")


def test_a_call_shows_what_was_chosen_and_no_data():
    fit = sd.glm("am ~ wt", data=CARS, family="binomial", weights=[1.0] * 32, subset="wt > 2")
    shown = (
        "glm('am ~ wt', data=<DataFrame of 32 × 11>, family='binomial', weights=<list of 32>, "
        "subset='wt > 2')"
    )
    assert " ".join(call_text(fit.call).split()) == shown.replace("glm(", "glm( ").replace(
        "2')", "2', )"
    )
