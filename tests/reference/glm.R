# Generalised linear models: writes glm.json.

source("common.R")

coefficients_of <- function(object) {
  table <- coef(summary(object))
  list(
    names = vec(rownames(table)), estimate = vec(table[, 1]), se = vec(table[, 2]),
    statistic = vec(table[, 3]), p = vec(table[, 4])
  )
}

fit_statistics <- function(object) {
  list(
    nobs = nobs(object), df_residual = df.residual(object), df_null = object$df.null,
    deviance = deviance(object), null_deviance = object$null.deviance,
    dispersion = summary(object)$dispersion,
    pearson_chi2 = sum(residuals(object, "pearson")^2),
    loglik = as.numeric(logLik(object)), loglik_df = attr(logLik(object), "df"),
    aic = AIC(object), bic = BIC(object)
  )
}

residuals_of <- function(object) {
  types <- c("response", "pearson", "working", "deviance")
  values <- lapply(setNames(types, types), function(type) rows(residuals(object, type)))
  c(values, list(
    standardized_deviance = rows(rstandard(object)),
    standardized_pearson = rows(rstandard(object, type = "pearson"))
  ))
}

predictions <- function(object, newdata) {
  on <- function(type) {
    answer <- predict(object, newdata, type = type, se.fit = TRUE)
    list(fit = vec(answer$fit), se = vec(answer$se.fit))
  }
  list(link = on("link"), response = on("response"), terms = terms_of(object, newdata))
}

anova_of <- function(object, marginal) {
  tests <- if (family(object)$family %in% c("gaussian", "Gamma")) c("Chisq", "F") else "Chisq"
  tables <- lapply(setNames(tests, tests), function(test) {
    likelihood <- if (test == "F") "F" else "LR"
    list(
      "1" = table_of(anova(object, test = test)),
      "2" = table_of(Anova(object, type = 2, test.statistic = likelihood)),
      "3" = table_of(with_sum_contrasts(Anova(marginal, type = 3, test.statistic = likelihood)))
    )
  })
  tables
}

glm_entry <- function(case) {
  object <- polished(case)
  marginal <- with_sum_contrasts(polished(case))
  entry(case, family = case$options$family, link = case$options$link, list(
    coefficients = coefficients_of(object), statistics = fit_statistics(object),
    confint_default = intervals(function(level) limits(confint.default(object, level = level))),
    vcov = unname(vcov(object)), fitted = rows(fitted(object)),
    linear_predictor = rows(object$linear.predictors), residuals = residuals_of(object),
    leverage = rows(hatvalues(object)), cooks_distance = rows(cooks.distance(object)),
    predict = predictions(object, case$newdata), anova = anova_of(object, marginal)
  ))
}

binomial_case <- function(..., link = "logit") case(..., family = "binomial", link = link)
poisson_case <- function(..., link = "log") case(..., family = "poisson", link = link)
gamma_case <- function(..., link = "inverse") case(..., family = "Gamma", link = link)
gaussian_case <- function(...) case(..., family = "gaussian", link = "identity")

dose_proportions <- with(sets$budworm, data.frame(
  sex = sex, ldose = ldose, proportion = dead / (dead + alive), total = dead + alive
))
insurance_log <- transform(sets$insurance, exposure = log(Holders))

cases <- list(
  binomial_case("mtcars-logit", "mtcars", "am ~ wt"),
  binomial_case("mtcars-probit", "mtcars", "am ~ wt", link = "probit"),
  binomial_case("mtcars-cloglog", "mtcars", "am ~ wt", link = "cloglog"),
  binomial_case("mtcars-cauchit", "mtcars", "am ~ wt", link = "cauchit"),
  binomial_case("mtcars-weights", "mtcars", "am ~ wt", weights = "carb"),
  binomial_case("mtcars-offset-argument", "mtcars", "am ~ wt", offset = "drat"),
  binomial_case("mtcars-subset", "mtcars", "am ~ qsec", subset = "hp < 200",
                link = "probit"),
  binomial_case("mtcars-no-intercept", "mtcars", "am ~ drat + wt - 1"),
  binomial_case("infert", "infert", "case ~ age + parity + education + spontaneous + induced"),
  binomial_case("infert-interaction", "infert", "case ~ spontaneous * education + induced"),
  binomial_case("infert-cloglog", "infert", "case ~ spontaneous + induced", link = "cloglog"),
  binomial_case("infert-poly", "infert", "case ~ poly(age, 2) + spontaneous"),
  binomial_case("budworm", "budworm", "cbind(dead, alive) ~ sex * ldose"),
  binomial_case("budworm-additive", "budworm", "cbind(dead, alive) ~ sex + ldose"),
  binomial_case("budworm-probit", "budworm", "cbind(dead, alive) ~ sex + ldose", link = "probit"),
  binomial_case("budworm-cloglog", "budworm", "cbind(dead, alive) ~ sex + ldose",
                link = "cloglog"),
  binomial_case("budworm-cauchit", "budworm", "cbind(dead, alive) ~ sex + ldose",
                link = "cauchit"),
  binomial_case("proportions", "proportions", "proportion ~ sex + ldose", weights = "total",
                frame = dose_proportions, newdata = new_data$budworm),
  poisson_case("warpbreaks", "warpbreaks", "breaks ~ wool * tension"),
  poisson_case("warpbreaks-additive", "warpbreaks", "breaks ~ wool + tension"),
  poisson_case("warpbreaks-sqrt", "warpbreaks", "breaks ~ wool + tension", link = "sqrt"),
  poisson_case("warpbreaks-identity", "warpbreaks", "breaks ~ wool + tension",
               link = "identity"),
  poisson_case("warpbreaks-subset", "warpbreaks", "breaks ~ wool + tension",
               subset = "tension != 'H'",
               newdata = data.frame(wool = c("A", "B"), tension = c("L", "M"))),
  poisson_case("InsectSprays", "InsectSprays", "count ~ spray"),
  poisson_case("InsectSprays-no-intercept", "InsectSprays", "count ~ 0 + spray"),
  poisson_case("InsectSprays-sqrt", "InsectSprays", "count ~ spray", link = "sqrt"),
  poisson_case("insurance-offset-formula", "insurance",
               "Claims ~ District + Group + Age + offset(log(Holders))"),
  poisson_case("insurance-offset-argument", "insurance_log", "Claims ~ District + Group + Age",
               offset = "exposure", frame = insurance_log,
               newdata = transform(new_data$insurance, exposure = log(Holders))),
  gamma_case("clotting", "clotting", "lot1 ~ log(u)"),
  gamma_case("clotting-2", "clotting", "lot2 ~ log(u)"),
  gamma_case("clotting-log", "clotting", "lot1 ~ log(u)", link = "log"),
  gamma_case("clotting-identity", "clotting", "lot1 ~ lot2", link = "identity",
             newdata = data.frame(lot2 = c(14, 40))),
  gamma_case("mtcars-gamma-weights", "mtcars", "disp ~ wt + factor(cyl)", weights = "gear",
             link = "log"),
  gaussian_case("mtcars-gaussian", "mtcars", "mpg ~ wt + factor(cyl)"),
  gaussian_case("mtcars-gaussian-weights", "mtcars", "mpg ~ wt + hp", weights = "qsec"),
  gaussian_case("airquality-missing", "airquality", "Ozone ~ Wind + Temp")
)

save_cases(lapply(cases, glm_entry), "glm.json")
