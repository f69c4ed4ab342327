"""Pictures of columns, terms and classes: what is drawn are the numbers of functions of the fit."""

import matplotlib as mpl
import numpy as np
import pytest
import statsmodels.api as sm
from matplotlib import pyplot as plt

import statdl as sd
from tests.agreement import agree, agree_in_size
from tests.reference import cases, frame

mpl.use("agg")
CARS = sd.datasets.load("mtcars")
IRIS = sd.datasets.load("iris")
INFERT = sd.datasets.load("infert")
ADDED = [case for case in cases("pictures") if case["model"] == "lm"]


@pytest.fixture(autouse=True)
def _without_open_figures():
    yield
    plt.close("all")


def points(ax):
    return np.column_stack(ax.lines[0].get_data())


def title(ax):
    return ax.get_title(loc="left")


def logit():
    return sd.glm("case ~ age + spontaneous + induced", data=INFERT, family="binomial")


def flowers():
    return sd.multinom("Species ~ Sepal.Width + Sepal.Length", data=IRIS, penalty=0.1)


# added variables -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ADDED, ids=lambda case: case["id"])
def test_added_variables_are_those_of_car(case):
    fit = sd.lm(case["formula"], data=frame(case))
    names = fit.params.index.drop("Intercept")
    for name, drawn in zip(names, case["result"]["drawn"], strict=True):
        ax = fit.plot_added_variable(name)
        agree_in_size(points(ax), np.column_stack([drawn["x"], drawn["y"]]), rtol=1e-7)
        (left, right), (low, high) = ax.lines[1].get_data()
        agree((high - low) / (right - left), fit.params[name], rtol=1e-7)


def test_weights_keep_the_slope():
    fit = sd.lm("mpg ~ wt + hp", data=CARS, weights="qsec")
    ax = fit.plot_added_variable("hp")
    x, y = points(ax).T
    agree(x @ y / (x @ x), fit.params["hp"])


def test_added_variables_of_other_families_are_one_step_of_scoring():
    X = sm.add_constant(INFERT[["age", "spontaneous", "induced"]].astype(float))
    others = X.drop(columns="age")
    small = sm.GLM(INFERT["case"], others, family=sm.families.Binomial()).fit(tol=1e-13)
    w = small.fittedvalues * (1 - small.fittedvalues)
    column = sm.WLS(X["age"], others, weights=w).fit().resid
    x, y = points(logit().plot_added_variable("age")).T
    agree_in_size(x, np.sqrt(w) * column)
    agree_in_size(y, small.resid_pearson)
    step = sm.WLS(small.resid_working, X, weights=w).fit()
    agree(x @ y / (x @ x), step.params["age"], rtol=1e-7)


def test_rows_and_columns_are_named():
    ax = sd.lm("mpg ~ wt + hp", data=CARS).plot_added_variable("wt")
    largest = sd.lm("mpg ~ wt + hp", data=CARS).resid.abs().nlargest(3).index
    assert {text.get_text() for text in ax.texts} == set(largest)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("wt | others", "mpg | others")
    assert title(ax) == "Added variable: wt, slope −3.878"


def test_a_single_column_is_added_to_the_intercept():
    x, y = points(sd.lm("mpg ~ wt", data=CARS).plot_added_variable("wt")).T
    agree(x, CARS["wt"] - CARS["wt"].mean(), rtol=1e-9)
    agree(y, CARS["mpg"] - CARS["mpg"].mean(), rtol=1e-9)
    x, _ = points(sd.lm("mpg ~ wt - 1", data=CARS).plot_added_variable("wt")).T
    agree(x, CARS["wt"])


def test_columns_that_there_are_not_are_refused():
    fit = sd.lm("mpg ~ wt + factor(cyl)", data=CARS)
    with pytest.raises(sd.ModelError, match=r"has 2 columns.*'factor\(cyl\)\[T\.6\]'"):
        fit.plot_added_variable("factor(cyl)")
    with pytest.raises(sd.ModelError, match=r"no column of the model.*Its columns are: wt"):
        fit.plot_added_variable("hp")
    with pytest.raises(sd.ModelError, match="see plot_effect"):
        flowers().plot_added_variable("Sepal.Width")
    with pytest.raises(sd.ModelError, match="a fit by maximum likelihood"):
        sd.lm("mpg ~ wt", data=CARS, penalty=1.0).plot_added_variable("wt")
    with pytest.warns(sd.RankWarning):
        twice = sd.lm("mpg ~ wt + double", data=CARS.assign(double=2 * CARS["wt"]))
    with pytest.raises(sd.ModelError, match="'double' is a combination"):
        twice.plot_added_variable("double")


# components ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fit", "variable", "term", "x"),
    [
        (lambda: sd.lm("mpg ~ wt + poly(hp, 2)", data=CARS), "hp", "poly(hp, 2)", "hp"),
        (lambda: sd.lm("mpg ~ wt + poly(hp, 2)", data=CARS), "wt", "wt", "wt"),
        (lambda: sd.lm("mpg ~ wt + hp", data=CARS, weights="qsec"), "wt", "wt", "wt"),
        (logit, "age", "age", "age"),
    ],
    ids=["poly", "lm", "weights", "glm"],
)
def test_components_are_partial_residuals(fit, variable, term, x):
    """The partial residuals are R's: tests/infer/test_influence.py."""
    fit = fit()
    ax = fit.plot_component_residual(variable)
    expected = np.asarray(fit.residuals("partial")[term])
    data = fit.estimate.frame.source
    agree_in_size(points(ax), np.column_stack([data[x], expected]))
    component = next(one for one in ax.lines if one.get_label() == "component")
    terms = np.asarray(fit.predict(type="terms")[term])
    agree_in_size(component.get_ydata(), terms[np.argsort(data[x], kind="stable")])


def test_a_term_of_one_column_is_drawn_over_it():
    ax = sd.lm("mpg ~ log(wt) + hp", data=CARS).plot_component_residual("wt")
    agree(points(ax)[:, 0], np.log(CARS["wt"]))
    assert ax.get_xlabel() == "log(wt)"


def test_a_factor_has_its_levels_side_by_side():
    fit = sd.lm("mpg ~ wt + factor(cyl)", data=CARS)
    ax = fit.plot_component_residual("cyl")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["4", "6", "8"]
    x, y = points(ax).T
    agree(y, fit.residuals("partial")["factor(cyl)"])
    np.testing.assert_array_equal(np.rint(x), (CARS["cyl"] - 4) / 2)
    heights = [one.get_ydata()[0] for one in ax.lines[1:]]
    terms = fit.predict(type="terms")["factor(cyl)"]
    agree(heights, [terms[CARS["cyl"] == k].iloc[0] for k in (4, 6, 8)])


def test_components_that_are_no_picture_are_refused():
    with pytest.raises(sd.ModelError, match=r"interaction 'wt:hp' as well.*plot_effect"):
        sd.lm("mpg ~ wt * hp", data=CARS).plot_component_residual("wt")
    with pytest.raises(sd.ModelError, match=r"several terms \('log\(wt\)', 'sqrt\(wt\)'\)"):
        sd.lm("mpg ~ log(wt) + sqrt(wt)", data=CARS).plot_component_residual("wt")
    with pytest.raises(sd.ModelError, match="no variable and no term"):
        sd.lm("mpg ~ wt", data=CARS).plot_component_residual("hp")
    with pytest.raises(sd.ModelError, match="made of several variables"):
        sd.lm("mpg ~ wt:hp", data=CARS).plot_component_residual("wt:hp")
    net = sd.mlp("mpg ~ wt", data=CARS, hidden=2, decay=0.1, seed=0)
    with pytest.raises(sd.ModelError, match=r"see plot_effect\(\) for a network"):
        net.plot_component_residual("wt")


# classes ---------------------------------------------------------------------------------------


def test_calibration_is_its_table():
    fit = logit()
    ax = fit.plot_calibration(6)
    table = fit.calibration(6)
    drawn, _, (bars,) = ax.containers[0]
    agree(drawn.get_xdata(), table["Predicted"])
    agree(drawn.get_ydata(), table["Observed"])
    ends = np.asarray([path[:, 1] for path in bars.get_segments()])
    agree(ends, np.column_stack([table["Lower"], table["Upper"]]))
    assert ax.get_xlabel() == "predicted probability of case = 1"
    assert ax.get_legend() is None


def test_several_classes_have_a_calibration_each():
    ax = flowers().plot_calibration(4)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(flowers().levels)
    one = flowers().plot_calibration(4, event="virginica", newdata=IRIS[::2])
    table = flowers().calibration(4, event="virginica", newdata=IRIS[::2])
    agree(one.containers[0][0].get_ydata(), table["Observed"])
    assert "Species = virginica" in one.get_xlabel()


def test_roc_is_its_curve():
    fit = logit()
    ax = fit.plot_roc()
    found = fit.roc()
    x, y = ax.lines[1].get_data()
    agree(x, 1 - found.specificity)
    agree(y, found.sensitivity)
    assert title(ax) == "ROC curve: area 0.732 (0.665 to 0.798)"
    several = flowers().plot_roc()
    labels = [text.get_text() for text in several.get_legend().get_texts()]
    areas = flowers().auc()["AUC"]
    assert labels == [f"{k}: {a:.3f}" for k, a in zip(flowers().levels, areas, strict=False)]
    x, y = several.lines[2].get_data()
    agree(np.trapezoid(y, x), areas[1])


CLASSIFIERS = {
    "multinom": flowers,
    "mlp": lambda: sd.mlp("Species ~ .", data=IRIS, hidden=3, decay=0.05, seed=0),
    "glm": lambda: sd.glm(
        "virginica ~ Sepal.Length + Sepal.Width",
        data=IRIS.assign(virginica=(IRIS["Species"] == "virginica") * 1), family="binomial",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_regions_are_the_classes_predicted(name):
    fit = CLASSIFIERS[name]()
    ax = fit.plot_decision("Sepal.Width", "Sepal.Length", points=23)
    image = ax.images[0].get_array()
    legend = dict(
        zip(
            (text.get_text() for text in ax.get_legend().get_texts()),
            (mpl.colors.to_rgb(one.get_color()) for one in ax.lines),
            strict=True,
        )
    )
    left, right, low, high = ax.images[0].get_extent()
    across, up = np.linspace(left, right, 23), np.linspace(low, high, 23)
    typical = {k: IRIS[k].mean() for k in IRIS.columns[:4]}
    rows = {k: np.full(23 * 23, value) for k, value in typical.items()}
    rows["Sepal.Width"], rows["Sepal.Length"] = np.tile(across, 23), np.repeat(up, 23)
    guess = np.asarray(fit.predict(rows, type="class")).reshape(23, 23)
    for i, j in np.ndindex(23, 23):
        np.testing.assert_allclose(image[i, j, :3], legend[str(guess[i, j])])
    assert image[..., 3].min() >= 0.06
    assert image[..., 3].max() <= 0.42
    assert ("others held" in title(ax) or "other variables held" in title(ax)) is (name == "mlp")
    classes = np.asarray(fit.estimate.frame.response.values)
    np.testing.assert_array_equal(
        np.sort(ax.lines[0].get_xdata()), np.sort(IRIS["Sepal.Width"][classes == 0])
    )


def test_borders_are_where_two_classes_are_as_likely():
    fit = CLASSIFIERS["glm"]()
    ax = fit.plot_decision("Sepal.Length", "Sepal.Width")
    (path,) = (path for path in ax.collections[0].get_paths() if len(path.vertices))
    x, y = path.vertices.T
    p = fit.predict({"Sepal.Length": x, "Sepal.Width": y})
    agree(p, np.full(len(x), 0.5), rtol=1e-3)


def test_other_variables_are_held_where_asked():
    net = CLASSIFIERS["mlp"]()
    low, high = (
        net.plot_decision("Sepal.Width", "Sepal.Length", at={"Petal.Length": v}, points=9)
        for v in (1.5, 6.0)
    )
    assert not np.array_equal(low.images[0].get_array(), high.images[0].get_array())


def test_planes_that_there_are_not_are_refused():
    with pytest.raises(sd.ModelError, match="response of classes"):
        sd.lm("mpg ~ wt + hp", data=CARS).plot_decision("wt", "hp")
    fit = sd.glm("am ~ wt + factor(cyl)", data=CARS, family="binomial", penalty=0.1)
    with pytest.raises(sd.ModelError, match="'cyl' is a factor"):
        fit.plot_decision("wt", "cyl")
    with pytest.raises(sd.ModelError, match="must be two variables"):
        fit.plot_decision("wt", "wt")
    with pytest.raises(sd.ModelError, match="'hp' is no variable of the model"):
        fit.plot_decision("wt", "hp")
    with pytest.raises(sd.ModelError, match="one value of each other"):
        flowers().plot_decision("Sepal.Width", "Sepal.Length", at={"Sepal.Width": 3})
