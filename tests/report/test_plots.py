"""Pictures: what is drawn are the numbers, on the axes given, and nothing else is touched."""

import subprocess
import sys
from functools import cache

import matplotlib as mpl
import matplotlib.style
import numpy as np
import pytest
import statsmodels.api as sm
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from scipy import stats

import statdl as sd
from statdl.infer.partial import partial_effect
from statdl.infer.smooth import lowess
from statdl.report.plot import style

IRIS = sd.datasets.load("iris")
CARS = sd.datasets.load("mtcars")


@cache
def network(**options):
    return sd.mlp("Species ~ .", data=IRIS, hidden=8, decay=0.01, seed=0, **options)


@cache
def trained(activation="relu", layers=5, early=None):
    method = sd.GradientDescent(sd.Adam(0.02), batch=16, epochs=40, seed=2)
    held = {"validation": 0.25, "early_stopping": early} if early else {}
    return sd.mlp(
        "Species ~ .", data=IRIS, hidden=(8,) * layers, activation=activation, method=method,
        seed=1, **held,
    )  # fmt: skip


@cache
def regression():
    return sd.lm("mpg ~ poly(wt, 2) + hp + factor(cyl)", data=CARS)


mpl.use("agg")
pytestmark = pytest.mark.filterwarnings("ignore:The network has:statdl.StatdlWarning")


@pytest.fixture(autouse=True)
def _without_open_figures():
    yield
    plt.close("all")


PICTURES = {
    "network": lambda ax=None: network().plot_network(ax),
    "history": lambda ax=None: trained(early=5).plot_history(ax),
    "gradients": lambda ax=None: trained().plot_gradients(ax),
    "effect": lambda ax=None: regression().plot_effect("wt", ax=ax),
    "levels": lambda ax=None: regression().plot_effect("cyl", ax=ax),
    "coefficients": lambda ax=None: regression().plot_coefficients(ax=ax),
    **{
        f"diagnostic {k}": lambda ax=None, k=k: regression().plot(which=k, ax=ax)
        for k in range(1, 7)
    },
    "classes": lambda ax=None: network().plot_effect("Petal.Width", ax=ax),
    "added variable": lambda ax=None: regression().plot_added_variable("poly(wt, 2)[1]", ax=ax),
    "component": lambda ax=None: regression().plot_component_residual("wt", ax=ax),
    "component of levels": lambda ax=None: regression().plot_component_residual("cyl", ax=ax),
    "calibration": lambda ax=None: network().plot_calibration(4, ax=ax),
    "roc": lambda ax=None: network().plot_roc(ax=ax),
    "decision": lambda ax=None: network().plot_decision(
        "Petal.Width", "Petal.Length", points=20, ax=ax
    ),
}


def line(ax, label):
    return next(one for one in ax.lines if one.get_label() == label)


def words(ax):
    return [text.get_text() for text in ax.texts]


# every picture ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PICTURES)
def test_it_draws_on_the_axes_given(name):
    ax = Figure().subplots()
    assert PICTURES[name](ax) is ax
    assert ax.has_data()


@pytest.mark.parametrize("name", PICTURES)
def test_it_leaves_the_settings_as_they_were(name):
    before = dict(mpl.rcParams)
    PICTURES[name]()
    assert dict(mpl.rcParams) == before


def test_what_a_notebooks_first_figure_switches_on_stays_on(monkeypatch):
    monkeypatch.setitem(mpl.rcParams, "interactive", False)
    with style.picture(None):
        mpl.interactive(True)
    assert mpl.is_interactive()


@pytest.mark.parametrize("name", PICTURES)
def test_all_of_it_is_within_the_paper(name):
    """No label is cut off and no legend lies outside: the layout has room for what there is."""
    ax = PICTURES[name]()
    figure = ax.figure
    figure.draw_without_rendering()
    box = figure.get_tightbbox(figure.canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert box.x0 >= -0.01
    assert box.y0 >= -0.01
    assert box.x1 <= width + 0.01
    assert box.y1 <= height + 0.01


@pytest.mark.parametrize("name", [name for name in PICTURES if name not in "network coefficients"])
def test_axes_are_labelled(name):
    ax = PICTURES[name]()
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert ax.get_title(loc="left")


def test_text_is_seen_on_light_and_on_dark_paper():
    for name, paper in {"default": style.LIGHT, "dark_background": style.DARK}.items():
        with mpl.style.context(name):
            ax = regression().plot_effect("wt")
        assert to_hex(ax.get_facecolor()) == paper.colour.lower()
        assert to_hex(ax.xaxis.label.get_color()) == paper.ink.lower()
    given = Figure().subplots()
    given.set_facecolor("black")
    assert line(regression().plot_effect("wt", ax=given), "mean").get_color() == style.DARK.lines[0]


def test_with_pyplot_the_figure_is_one_that_show_would_show():
    ax = regression().plot_effect("wt")
    assert plt.gcf() is ax.figure


def test_without_pyplot_or_a_notebook_it_needs_neither():
    code = (
        "import sys, statdl as sd\n"
        "ax = sd.lm('mpg ~ wt', sd.datasets.load('mtcars')).plot_effect('wt')\n"
        "ax.figure.savefig('/dev/null', format='png')\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "False"


def test_a_missing_package_is_named_with_the_way_to_get_it():
    code = (
        "import sys\n"
        "sys.modules['matplotlib'] = None\n"
        "import statdl as sd\n"
        "fit = sd.lm('mpg ~ wt', sd.datasets.load('mtcars'))\n"
        "assert len(fit.partial_effect('wt')) == 50\n"
        "try:\n"
        "    fit.plot_effect('wt')\n"
        "except ImportError as error:\n"
        "    print(type(error).__name__, error)"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.startswith("MissingPackageError Pictures need matplotlib")
    assert "pip install 'statdl[plot]'" in run.stdout


# networks --------------------------------------------------------------------------------------


def drawn_weights(ax):
    """Return the widths and colours of the lines, and their ends from left to right."""
    lines = ax.collections[0]
    ends = [(tuple(path[0]), tuple(path[-1])) for path in lines.get_segments()]
    return lines.get_linewidths(), [to_hex(colour) for colour in lines.get_colors()], ends


def test_lines_are_the_weights_wider_the_larger_and_coloured_by_sign():
    net = network()
    widths, colours, ends = drawn_weights(net.plot_network())
    first, last = (net.params[net.params.index.str.contains(name)] for name in ("-> h", "h. -> "))
    weights = np.concatenate([first[~first.index.str.startswith("bias")], last])
    assert len(widths) == len(weights) == 4 * 8 + 8 * 2
    order = np.argsort(np.abs(weights))
    assert np.all(np.diff(widths) >= 0)
    agree = np.corrcoef(widths, np.abs(weights)[order])[0, 1]
    assert agree == pytest.approx(1, abs=1e-12)
    signs = [style.LIGHT.positive if w >= 0 else style.LIGHT.negative for w in weights[order]]
    assert colours == [colour.lower() for colour in signs]
    strongest = net.params.iloc[[k for k, n in enumerate(net.params.index) if "bias" not in n]]
    source, target = strongest.abs().idxmax().split(" -> ")
    columns = {(0.0, j): name for j, name in enumerate(net.estimate.frame.design.names)}
    assert ends[-1][0][0] == (0.0 if source in columns.values() else 4.0)
    assert ends[-1][1][0] == (8.0 if target in net.levels else 4.0)


def test_units_and_layers_are_named():
    ax = network().plot_network()
    shown = words(ax)
    for name in (*IRIS.columns[:4], *(f"h{k}" for k in range(1, 9)), "versicolor", "virginica"):
        assert name in shown
    assert {"inputs\n(4)", "hidden: tanh\n(8)", "outputs, against setosa\n(2)"} <= set(shown)
    assert "1" not in shown
    assert any(f"{np.abs(network().params).max():.2f}" not in text for text in shown)


def test_biases_are_drawn_from_a_constant_when_asked_for():
    with_biases = network().plot_network(biases=True)
    assert words(with_biases).count("1") == 2
    assert len(drawn_weights(with_biases)[0]) == len(network().params)


def test_weights_that_skip_are_dashed_and_pass_by_the_hidden_layers():
    net = sd.mlp("mpg ~ wt + hp", data=CARS, hidden=3, decay=0.1, skip=True, seed=0)
    ax = net.plot_network()
    lines = ax.collections[0]
    curved = [path for path in lines.get_segments() if len(path) > 2]
    dashed = [dash for _, dash in lines.get_linestyles() if dash is not None]
    assert len(curved) == len(dashed) == 2
    highest = max(np.abs(path[0][1]) for path in lines.get_segments() if len(path) == 2)
    assert all(np.abs(path[:, 1]).max() > highest for path in curved)


def test_large_layers_are_cut_short_and_say_so():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(60, 784)).astype("float32"), random.integers(0, 10, 60).astype(str)
    method = sd.GradientDescent(sd.Adam(1e-3), batch=20, epochs=1)
    net = sd.mlp(X=X, y=y, hidden=512, activation="relu", method=method, seed=0)
    ax = net.plot_network()
    assert {"x1", "x784", "h512", "… 773 more", "… 501 more"} <= set(words(ax))
    assert len(drawn_weights(ax)[0]) == 11 * 11 + 11 * 9
    small = net.plot_network(most=4)
    assert {"… 781 more", "… 509 more", "… 6 more"} <= set(words(small))
    with pytest.raises(sd.ModelError, match="most=2 units"):
        net.plot_network(most=2)


def test_a_unit_of_several_maps_has_one_line_an_input():
    pieces = sd.mlp("mpg ~ wt + hp", data=CARS, hidden=3, activation="maxout", decay=0.1, seed=0)
    assert len(drawn_weights(pieces.plot_network())[0]) == 3 * 2 + 3


# histories -------------------------------------------------------------------------------------


def test_the_history_is_drawn_with_the_epoch_that_was_kept():
    net = trained(early=5)
    ax = net.plot_history()
    history = net.history
    for label, column in {"training": "loss", "validation": "validation_loss"}.items():
        np.testing.assert_array_equal(line(ax, label).get_xdata(), history["epoch"])
        np.testing.assert_array_equal(line(ax, label).get_ydata(), history[column])
    best = int(history["epoch"][history["validation_loss"].idxmin()])
    kept = line(ax, f"weights kept:\nepoch {best}")
    assert list(kept.get_xdata()) == [best, best]
    assert f"epoch {best} was the best" in " ".join(net.convergence.notes)


def test_a_metric_can_be_drawn_in_place_of_the_loss():
    net = trained(early=5)
    ax = net.plot_history(metric="accuracy")
    np.testing.assert_array_equal(
        line(ax, "validation").get_ydata(), net.history["validation_accuracy"]
    )
    assert ax.get_ylabel() == "accuracy"
    with pytest.raises(sd.ModelError, match=r"metric='f1'.*loss, accuracy"):
        net.plot_history(metric="f1")


def test_nothing_is_marked_where_no_epoch_was_chosen():
    ax = trained().plot_history()
    assert len(ax.lines) == 1
    assert ax.get_legend() is None


def test_other_methods_have_the_loss_by_iteration():
    net = network()
    ax = net.plot_history()
    assert ax.get_xlabel() == "iteration"
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), net.trace.loss)


def test_gradients_are_drawn_by_layer_on_a_logarithmic_scale():
    net = trained()
    ax = net.plot_gradients()
    assert ax.get_yscale() == "log"
    assert "last batch" in ax.get_ylabel()
    labels = [*(f"hidden {k}" for k in range(1, 6)), "output"]
    assert [one.get_label() for one in ax.lines] == labels
    for one, column in zip(ax.lines, net.history.filter(like="gradient_"), strict=True):
        np.testing.assert_array_equal(one.get_ydata(), net.history[column])
    assert len({to_hex(one.get_color()) for one in ax.lines}) == 6


def test_gradients_vanish_with_sigmoid_units_and_not_with_relu():
    shares = {}
    for activation in ("sigmoid", "relu"):
        ax = trained(activation).plot_gradients()
        first, last = (np.asarray(line(ax, name).get_ydata()) for name in ("hidden 1", "output"))
        shares[activation] = np.median(first[:10] / last[:10])
    assert shares["sigmoid"] < 0.01
    assert shares["relu"] > 20 * shares["sigmoid"]


def test_gradients_by_layer_need_training():
    with pytest.raises(sd.ModelError, match=r"no gradients of single layers.*GradientDescent"):
        network().plot_gradients()


# effects ---------------------------------------------------------------------------------------


def test_a_number_has_a_curve_with_its_band():
    fit = regression()
    found = partial_effect(fit.estimate, "wt", level=0.9)
    ax = fit.plot_effect("wt", level=0.9)
    np.testing.assert_array_equal(line(ax, "mean").get_xdata(), found.values)
    np.testing.assert_array_equal(line(ax, "mean").get_ydata(), found.mean[:, 0])
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(found.lower.min())
    assert band[:, 1].max() == pytest.approx(found.upper.max())
    assert ax.get_xlabel() == "wt"
    assert ax.get_ylabel() == "average predicted mpg"
    assert "32 rows, 90% limits" in ax.get_title(loc="left")


def test_a_factor_has_points_with_error_bars():
    fit = regression()
    found = partial_effect(fit.estimate, "cyl")
    ax = fit.plot_effect("cyl")
    points, _, (bars,) = ax.containers[0]
    np.testing.assert_allclose(points.get_ydata(), found.mean[:, 0])
    ends = np.asarray([path[:, 1] for path in bars.get_segments()])
    np.testing.assert_allclose(ends, np.column_stack([found.lower, found.upper]))
    assert [text.get_text() for text in ax.get_xticklabels()] == ["4", "6", "8"]


def test_classes_have_a_line_each_and_a_legend():
    ax = network().plot_effect("Petal.Width", points=5)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["setosa", "versicolor", "virginica"]
    total = sum(np.asarray(line(ax, label).get_ydata()) for label in labels)
    np.testing.assert_allclose(total, 1)
    assert ax.get_legend().get_title().get_text() == "Species"


def test_a_probability_says_of_what():
    fit = sd.glm("am ~ wt", data=CARS, family="binomial")
    assert fit.plot_effect("wt").get_ylabel() == "average probability of am = 1"


def test_a_network_too_large_for_errors_has_a_curve_without_a_band():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(80, 60)), random.normal(size=80)
    method = sd.GradientDescent(sd.Adam(1e-3), batch=20, epochs=1)
    net = sd.mlp(X=X, y=y, hidden=100, activation="relu", method=method, seed=0)
    ax = net.plot_effect("x3", points=4)
    assert len(ax.lines) == 1
    assert "limits" not in ax.get_title(loc="left")


# diagnostics -----------------------------------------------------------------------------------


def points(ax):
    return np.column_stack(ax.lines[0].get_data())


def test_diagnostics_are_of_the_residuals_and_influence_that_statsmodels_has():
    fit = sd.lm("mpg ~ wt + hp", data=CARS)
    reference = sm.OLS(CARS["mpg"], sm.add_constant(CARS[["wt", "hp"]])).fit()
    measures = reference.get_influence()
    h, rs, cook = (
        np.asarray(part)
        for part in (
            measures.hat_matrix_diag,
            measures.resid_studentized_internal,
            measures.cooks_distance[0],
        )
    )
    axes = fit.plot(which=range(1, 7))
    fitted = np.asarray(reference.fittedvalues)
    expected = {
        0: (fitted, reference.resid),
        2: (fitted, np.sqrt(np.abs(rs))),
        4: (h, rs),
        5: (h / (1 - h), cook),
    }
    for k, columns in expected.items():
        np.testing.assert_allclose(points(axes[k]), np.column_stack(columns), rtol=1e-8)
    bars = np.asarray([path[1, 1] for path in axes[3].collections[0].get_segments()])
    np.testing.assert_allclose(bars, cook, rtol=1e-8)
    drawn = points(axes[1])
    np.testing.assert_allclose(np.sort(drawn[:, 1]), np.sort(rs), rtol=1e-8)
    theory = stats.norm.ppf((np.arange(1, 33) - 0.5) / 32)
    np.testing.assert_allclose(np.sort(drawn[:, 0]), theory, rtol=1e-10)
    assert np.all(np.argsort(drawn[:, 0]) == np.argsort(rs))


def test_contours_are_where_cooks_distance_has_their_value():
    fit = sd.lm("mpg ~ wt + hp", data=CARS)
    ax = fit.plot(which=5)
    curve = next(one for one in ax.lines if one.get_linestyle() == "--")
    h, rs = curve.get_data()
    np.testing.assert_allclose(rs**2 * h / (1 - h) / 3, 0.5)


def test_the_most_extreme_rows_are_named():
    fit = sd.lm("mpg ~ wt + hp", data=CARS)
    largest = fit.cooks_distance().nlargest(3).index
    assert set(words(fit.plot(which=4))) == {str(name) for name in largest}


def test_residuals_of_other_families_are_pearsons():
    fit = sd.glm("am ~ wt", data=CARS, family="binomial")
    ax = fit.plot(which=1)
    eta = fit.predict(type="link")
    expected = np.column_stack([eta, fit.residuals("pearson")])
    np.testing.assert_allclose(points(ax), expected, rtol=1e-10)
    assert ax.get_ylabel() == "Pearson residual"


def test_rows_of_no_weight_are_left_out():
    weights = np.ones(32)
    weights[[2, 8]] = 0
    ax = sd.lm("mpg ~ wt", data=CARS, weights=weights).plot(which=1)
    assert len(points(ax)) == 30


def test_diagnostics_are_for_regressions_and_of_six_pictures():
    with pytest.raises(sd.ModelError, match="pictures of a network are"):
        network().plot()
    with pytest.raises(sd.ModelError, match="one linear predictor"):
        sd.multinom("Species ~ Sepal.Width", data=IRIS).plot()
    for which in (0, 7, [], (1, 9)):
        with pytest.raises(sd.ModelError, match="pictures 1 to 6"):
            regression().plot(which=which)
    with pytest.raises(sd.ModelError, match="2 pictures to draw, and ax= has 1 axes"):
        regression().plot(which=(1, 2), ax=Figure().subplots())


@pytest.mark.parametrize(("n", "rounds"), [(20, 0), (90, 3)])
def test_the_curve_through_a_scatter_is_that_of_statsmodels(n, rounds):
    random = np.random.default_rng(n)
    x = random.normal(size=n)
    y = np.sin(2 * x) + 0.3 * random.normal(size=n) + 4 * (random.random(n) < 0.1)
    reference = sm.nonparametric.lowess(y, x, frac=2 / 3, it=rounds, delta=0)
    places, curve = lowess(x, y, rounds=rounds)
    np.testing.assert_allclose(places, reference[:, 0])
    np.testing.assert_allclose(curve, reference[:, 1], rtol=1e-9)


def test_the_curve_stands_ties_and_many_rows():
    places, curve = lowess(np.repeat([1.0, 2.0, 3.0], 5), np.repeat([1.0, 2.0, 3.0], 5), share=0.3)
    np.testing.assert_allclose(places, [1, 2, 3])
    np.testing.assert_allclose(curve, [1, 2, 3])
    x = np.linspace(0, 1, 50_000)
    places, curve = lowess(x, 3 * x)
    assert len(places) <= 200
    np.testing.assert_allclose(curve, 3 * places, atol=1e-12)


# coefficients ----------------------------------------------------------------------------------


def test_coefficients_are_drawn_with_their_limits():
    fit = regression()
    ax = fit.plot_coefficients(level=0.9)
    bar, _, (reach,) = ax.containers[0]
    np.testing.assert_allclose(bar.get_xdata(), fit.params.iloc[1:])
    ends = np.asarray([path[:, 0] for path in reach.get_segments()])
    np.testing.assert_allclose(ends, fit.confint(0.9).iloc[1:])
    assert [text.get_text() for text in ax.get_yticklabels()] == list(fit.params.index[1:])
    assert "90% limits" in ax.get_xlabel()
    robust = fit.plot_coefficients(vcov="HC3", terms=["hp"]).containers[0][2][0].get_segments()
    np.testing.assert_allclose(robust[0][:, 0], fit.confint(vcov="HC3").loc["hp"])


def test_coefficients_of_classes_are_told_apart():
    fit = sd.multinom("Sat ~ Infl + Cont", sd.datasets.load("housing"), weights="Freq")
    ax = fit.plot_coefficients(intercept=True)
    for k, name in enumerate(("Medium", "High")):
        np.testing.assert_allclose(ax.containers[k][0].get_xdata(), fit.params[name])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Medium", "High"]
    assert ax.get_legend().get_title().get_text() == "against Low"


def test_coefficients_that_do_not_exist_are_refused():
    with pytest.raises(sd.ModelError, match=r"no coefficient 'width'.*Intercept"):
        regression().plot_coefficients(terms=["width"])
    with pytest.raises(sd.ModelError, match="intercept=True"):
        sd.lm("mpg ~ 1", data=CARS).plot_coefficients()
    with pytest.raises(sd.ModelError, match="weights of a network are no coefficients"):
        network().plot_coefficients()
