# Linear models: writes lm.json.

source("common.R")

coefficients_of <- function(object) {
  table <- coef(summary(object))
  full <- matrix(NA_real_, length(coef(object)), 4, dimnames = list(names(coef(object)), NULL))
  full[rownames(table), ] <- table
  list(
    names = vec(rownames(full)), estimate = vec(full[, 1]), se = vec(full[, 2]),
    statistic = vec(full[, 3]), p = vec(full[, 4])
  )
}

fit_statistics <- function(object) {
  s <- summary(object)
  f <- s$fstatistic
  list(
    nobs = nobs(object), df_residual = df.residual(object), rank = object$rank,
    sigma = s$sigma, rsquared = s$r.squared, rsquared_adj = s$adj.r.squared,
    fstatistic = if (!is.null(f)) list(
      value = f[[1]], df_num = f[[2]], df_den = f[[3]],
      p = pf(f[[1]], f[[2]], f[[3]], lower.tail = FALSE)
    ),
    deviance = deviance(object), loglik = as.numeric(logLik(object)),
    loglik_df = attr(logLik(object), "df"), aic = AIC(object), bic = BIC(object)
  )
}

residuals_of <- function(object) {
  types <- c("response", "pearson", "working", "deviance")
  values <- lapply(setNames(types, types), function(type) rows(residuals(object, type)))
  c(values, list(standardized = rows(rstandard(object)), studentized = rows(rstudent(object))))
}

predictions <- function(object, newdata) {
  ask <- function(...) suppressWarnings(predict(object, newdata, ...))
  band <- function(kind) {
    intervals(function(level) limits(ask(interval = kind, level = level), "lwr", "upr"))
  }
  plain <- ask(se.fit = TRUE)
  list(
    fit = vec(plain$fit), se = vec(plain$se.fit), confidence = band("confidence"),
    prediction = band("prediction"), terms = suppressWarnings(terms_of(object, newdata))
  )
}

lm_entry <- function(case) {
  object <- fit(case, "lm")
  marginal <- with_sum_contrasts(fit(case, "lm"))
  entry(case, list(
    coefficients = coefficients_of(object), statistics = fit_statistics(object),
    confint = intervals(function(level) limits(confint(object, level = level))),
    vcov = unname(vcov(object)), fitted = rows(fitted(object)), residuals = residuals_of(object),
    leverage = rows(hatvalues(object)), cooks_distance = rows(cooks.distance(object)),
    predict = predictions(object, case$newdata),
    anova = list(
      "1" = table_of(anova(object)),
      "2" = table_of(if_possible(Anova(object, type = 2))),
      "3" = table_of(if_possible(with_sum_contrasts(Anova(marginal, type = 3))))
    )
  ))
}

cases <- list(
  case("mtcars-wt", "mtcars", "mpg ~ wt"),
  case("mtcars-wt-hp-cyl", "mtcars", "mpg ~ wt + hp + factor(cyl)"),
  case("mtcars-weights", "mtcars", "mpg ~ wt + hp", weights = "qsec"),
  case("mtcars-offset-argument", "mtcars", "mpg ~ wt", offset = "qsec"),
  case("mtcars-offset-formula", "mtcars", "mpg ~ wt + offset(qsec)"),
  case("mtcars-weights-offset-subset", "mtcars", "mpg ~ wt + hp",
       weights = "qsec", offset = "drat", subset = "hp > 100"),
  case("mtcars-subset", "mtcars", "mpg ~ wt + factor(cyl)", subset = "cyl != 6",
       newdata = data.frame(wt = c(2.2, 3.9), cyl = c(4, 8))),
  case("mtcars-poly", "mtcars", "mpg ~ poly(hp, 2)"),
  case("mtcars-poly-wt", "mtcars", "mpg ~ poly(hp, 3) + wt"),
  case("mtcars-bs", "mtcars", "mpg ~ bs(hp, df = 5)"),
  case("mtcars-square", "mtcars", "mpg ~ wt + I(wt^2)"),
  case("mtcars-log", "mtcars", "log(mpg) ~ log(wt) + sqrt(hp)"),
  case("mtcars-interaction", "mtcars", "mpg ~ wt * factor(am)"),
  case("mtcars-colon", "mtcars", "mpg ~ wt + hp + wt:hp"),
  case("mtcars-powers", "mtcars", "mpg ~ (wt + hp + qsec)^2"),
  case("mtcars-two-factors", "mtcars", "mpg ~ factor(cyl) * factor(am) + wt"),
  case("mtcars-no-intercept", "mtcars", "mpg ~ wt + hp - 1"),
  case("mtcars-no-intercept-factor", "mtcars", "mpg ~ 0 + factor(cyl) + wt"),
  case("mtcars-aliased", "mtcars", "mpg ~ wt + I(2 * wt) + hp"),
  case("mtcars-aliased-sum", "mtcars", "mpg ~ wt + hp + I(wt + hp) + qsec"),
  case("iris-numeric", "iris", "Sepal.Length ~ Sepal.Width + Petal.Length + Petal.Width"),
  case("iris-interaction", "iris", "Sepal.Length ~ Petal.Length * Species"),
  case("longley", "longley", "Employed ~ ."),
  case("stackloss", "stackloss", "stack.loss ~ ."),
  case("swiss", "swiss", "Fertility ~ ."),
  case("anscombe-1", "anscombe", "y1 ~ x1"),
  case("anscombe-4", "anscombe", "y4 ~ x4"),
  case("hours", "hours", "score ~ hours"),
  case("airquality-missing", "airquality", "Ozone ~ Solar.R + Wind + Temp"),
  case("ToothGrowth", "ToothGrowth", "len ~ supp * dose"),
  case("ToothGrowth-factor", "ToothGrowth", "len ~ supp * factor(dose)"),
  case("PlantGrowth", "PlantGrowth", "weight ~ group"),
  case("warpbreaks", "warpbreaks", "breaks ~ wool * tension"),
  case("warpbreaks-sum", "warpbreaks", "breaks ~ C(wool, contr.sum) * tension")
)

save_cases(lapply(cases, lm_entry), "lm.json")
