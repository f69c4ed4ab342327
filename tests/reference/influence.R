# Influence, residuals, outliers and collinearity: writes influence.json.

source("common.R")

# Rows of weight 0 are dropped by R and are left out of the cases.
measured <- function(case, object) {
  found <- influence.measures(object)$infmat
  p <- object$rank
  glm <- inherits(object, "glm")
  outliers <- outlierTest(object, cutoff = Inf, n.max = 5)
  partial <- residuals(object, "partial")
  inflation <- if_possible(vif(object))
  if (is.numeric(inflation) && !is.matrix(inflation)) {
    inflation <- cbind(inflation, 1, sqrt(inflation))
  }
  entry(case, list(
    coefficients = vec(names(coef(object))[!is.na(coef(object))]),
    hat = rows(hatvalues(object)),
    sigma = rows(influence(object)$sigma),
    rstandard = rows(rstandard(object)),
    rstandard_pearson = if (glm) rows(rstandard(object, type = "pearson")),
    rstudent = rows(rstudent(object)),
    dffits = rows(found[, p + 1]),
    covratio = rows(found[, p + 2]),
    cooks_distance = rows(found[, p + 3]),
    dfbetas = rows(found[, 1:p, drop = FALSE]),
    partial = list(names = vec(colnames(partial)), values = rows(matrix(partial, nrow(partial)))),
    outliers = list(row = vec(match(names(outliers$rstudent), names(rstudent(object)))),
                    rstudent = vec(outliers$rstudent), p = vec(outliers$p),
                    bonferroni = vec(outliers$bonf.p)),
    vif = if (!is.null(inflation)) list(terms = vec(rownames(inflation)), gvif = vec(inflation[, 1]),
                                        df = vec(inflation[, 2]), root = vec(inflation[, 3]))
  ), model = if (glm) "glm" else "lm", family = case$options$family, link = case$options$link)
}

linear <- function(...) {
  one <- case(...)
  measured(one, fit(one, "lm"))
}
generalised <- function(...) {
  one <- case(...)
  measured(one, polished(one))
}

wanted <- list(
  linear("mtcars", "mtcars", "mpg ~ wt + hp + factor(cyl)"),
  linear("mtcars-weights", "mtcars", "mpg ~ wt + hp + drat", weights = "qsec"),
  linear("mtcars-offset", "mtcars", "mpg ~ wt + hp", offset = "drat"),
  linear("stackloss", "stackloss", "stack.loss ~ ."),
  linear("longley", "longley", "Employed ~ ."),
  linear("airquality", "airquality", "Ozone ~ Solar.R + Wind + Temp"),
  linear("mtcars-origin", "mtcars", "mpg ~ wt + hp - 1"),
  generalised("mtcars-logit", "mtcars", "vs ~ wt + disp", family = "binomial", link = "logit"),
  generalised("infert", "infert", "case ~ age + parity + education + spontaneous",
              family = "binomial", link = "logit"),
  generalised("budworm", "budworm", "cbind(dead, alive) ~ sex + ldose", family = "binomial",
              link = "probit"),
  generalised("warpbreaks", "warpbreaks", "breaks ~ wool + tension", family = "poisson",
              link = "log"),
  generalised("clotting", "clotting", "lot1 ~ log(u)", family = "Gamma", link = "inverse")
)

save_cases(wanted, "influence.json")
