"""Families and links as objects say what their names say."""

import numpy as np
import pytest

import statdl as sd
from statdl.api.words import FAMILIES, LINKS

CARS = sd.datasets.load("mtcars")
HOUSING = sd.datasets.load("housing")
#: A response that each family can have.
RESPONSE = {"gaussian": "mpg", "poisson": "carb", "gamma": "mpg", "binomial": "am"}
PAIRS = [
    (family, link)
    for name in sd.families.__all__
    if (family := getattr(sd.families, name)) is not sd.families.Multinomial
    for link in family.links
]


def identical(one, other):
    np.testing.assert_array_equal(one.params, other.params)
    np.testing.assert_array_equal(one.bse, other.bse)
    assert one.llf == other.llf
    assert repr(one.family) == repr(other.family)


def spelt(family, link):
    """The ways to ask for a family with a link: by name, and by object."""
    name = family.name
    return [
        {"family": name, "link": link.name},
        {"family": name, "link": link()},
        {"family": name, "link": link},
        {"family": family(link=link())},
        {"family": family(link=link.name)},
        {"family": family, "link": link.name},
        {"family": family(), "link": link()},
    ]


@pytest.mark.parametrize(("family", "link"), PAIRS, ids=lambda part: part.name)
def test_glm_takes_objects_as_it_takes_names(family, link):
    formula = f"{RESPONSE[family.name]} ~ wt"
    named, *others = (sd.glm(formula, data=CARS, **way) for way in spelt(family, link))
    assert named.family == family(link=named.family.link)
    for other in others:
        identical(other, named)


@pytest.mark.parametrize("family", [sd.families.Gaussian, sd.families.Binomial])
def test_default_links_are_those_of_the_names(family):
    formula = f"{RESPONSE[family.name]} ~ wt"
    named = sd.glm(formula, data=CARS, family=family.name)
    identical(sd.glm(formula, data=CARS, family=family()), named)
    identical(sd.glm(formula, data=CARS, family=family), named)


def test_the_gaussian_family_is_lm():
    fit = sd.glm("mpg ~ wt", data=CARS, family=sd.families.Gaussian())
    line = sd.lm("mpg ~ wt", data=CARS)
    np.testing.assert_array_equal(fit.params, line.params)
    np.testing.assert_array_equal(fit.bse, line.bse)


@pytest.mark.parametrize(
    ("family", "link"),
    [pair for pair in PAIRS if pair[1] in (sd.links.Log, sd.links.Probit)],
    ids=lambda part: part.name,
)
def test_networks_take_objects_as_they_take_names(family, link):
    formula = f"{RESPONSE[family.name]} ~ wt"
    named, *others = (
        sd.mlp(formula, data=CARS, hidden=1, decay=1.0, **way) for way in spelt(family, link)[::3]
    )
    for other in others:
        np.testing.assert_array_equal(other.params, named.params)
        assert other.llf == named.llf


@pytest.mark.parametrize("family", [sd.families.Multinomial(), sd.families.Multinomial])
@pytest.mark.parametrize("link", [None, "logit", sd.links.Logit(), sd.links.Logit])
def test_the_multinomial_family_as_an_object(family, link):
    options = {"data": HOUSING, "weights": "Freq", "hidden": 1, "decay": 1.0}
    net = sd.mlp("Sat ~ Infl", family=family, link=link, **options)
    named = sd.mlp("Sat ~ Infl", family="multinomial", **options)
    np.testing.assert_array_equal(net.params, named.params)


def test_glm_of_the_multinomial_family_is_multinom():
    fit = sd.glm("Sat ~ Infl", data=HOUSING, weights="Freq", family=sd.families.Multinomial())
    same = sd.multinom("Sat ~ Infl", data=HOUSING, weights="Freq")
    np.testing.assert_allclose(fit.params, same.params, rtol=1e-8)
    np.testing.assert_allclose(fit.bse, same.bse, rtol=1e-8)
    assert fit.llf == pytest.approx(same.llf, rel=1e-12)


@pytest.mark.parametrize(
    ("family", "link", "message"),
    [
        (sd.families.Poisson(link=sd.links.Logit()), None, "poisson family has no logit link"),
        (sd.families.Poisson(link="logit"), None, "poisson family has no logit link"),
        (sd.families.Poisson(link="lgo"), None, "Did you mean 'log'"),
        (sd.families.Poisson(), sd.links.Probit, "poisson family has no probit link"),
        (sd.families.Multinomial(), "probit", "multinomial family has no probit link"),
        (
            sd.families.Poisson(link=3),
            None,
            "has no 3 link here; choose one of log, sqrt, identity",
        ),
        (sd.links.Log(), None, "neither a name .* nor a family such as sd.families.Poisson"),
        (int, None, "neither a name .* nor a family such as sd.families.Poisson"),
    ],
)
def test_what_no_family_is_or_has_is_named(family, link, message):
    with pytest.raises(sd.ModelError, match=message):
        sd.mlp("carb ~ wt", data=CARS, family=family, link=link, hidden=1)


def test_every_name_has_its_object():
    offered = {getattr(sd.families, name) for name in sd.families.__all__}
    assert {*FAMILIES.values()} | {sd.families.Multinomial} == offered
    assert {*LINKS.values()} == {getattr(sd.links, name) for name in sd.links.__all__}
    for kind in (*offered, *LINKS.values()):
        assert kind.__doc__


def test_a_fit_of_an_object_is_updated_and_saved(tmp_path):
    fit = sd.glm("carb ~ wt", data=CARS, family=sd.families.Poisson(link=sd.links.Sqrt()))
    assert repr(fit.update(". ~ . + hp").family) == "Poisson(link=sqrt)"
    fit.save(tmp_path / "fit.statdl")
    assert repr(sd.load(tmp_path / "fit.statdl").family) == "Poisson(link=sqrt)"


def test_links_and_families_of_one_kind_are_equal():
    assert sd.links.Log() == sd.links.Log()
    assert sd.links.Log() != sd.links.Sqrt()
    assert len({sd.links.Log(), sd.links.Log(), sd.links.Sqrt()}) == 2
    assert sd.families.Poisson() == sd.families.Poisson()
    assert sd.families.Poisson() != sd.families.Poisson(link=sd.links.Sqrt())
