# Tests of specification (lmtest), ROC curves (pROC) and pseudo R²: writes specification.json.

source("common.R")
suppressPackageStartupMessages({
  library(lmtest)
  library(tseries)
  library(pROC)
})

tested <- function(found) {
  list(statistic = unname(found$statistic), df = vec(unname(found$parameter)),
       p = unname(found$p.value))
}

linear <- function(...) {
  one <- case(...)
  object <- fit(one, "lm")
  y <- unname(model.response(model.frame(object)))
  X <- unname(model.matrix(object)[, -1, drop = FALSE])
  rownames(X) <- NULL
  first <- X[, 1]
  products <- function(j) X[, j:ncol(X), drop = FALSE] * X[, j]
  Z <- cbind(X, do.call(cbind, lapply(seq_len(ncol(X)), products)))
  model <- y ~ X
  entry(one, list(
    bp = tested(bptest(model)),
    bp_plain = tested(bptest(model, studentize = FALSE)),
    white = tested(bptest(model, ~ Z)),
    gq = tested(gqtest(model)),
    gq_ordered = tested(gqtest(model, order.by = first, fraction = 0.2, alternative = "two.sided")),
    gq_rows = if_possible(tested(gqtest(model, point = 14, fraction = 4, alternative = "less"))),
    reset = tested(resettest(model)),
    reset_regressor = if_possible(tested(resettest(model, power = 2, type = "regressor"))),
    rainbow = tested(raintest(model)),
    rainbow_ordered = tested(raintest(model, fraction = 0.6, order.by = ~ first)),
    rainbow_mahalanobis = tested(raintest(model, order.by = "mahalanobis")),
    dw = tested(dwtest(model, exact = TRUE, iterations = 50)),
    dw_normal = tested(dwtest(model, exact = FALSE, alternative = "two.sided")),
    bg = tested(bgtest(model)),
    bg_f = tested(bgtest(model, order = 3, type = "F")),
    bg_short = tested(bgtest(model, order = 2, fill = NA)),
    jb = tested(jarque.bera.test(residuals(object)))
  ), model = "lm")
}

# Hosmer and Lemeshow's statistic as their paper has it
hosmer_lemeshow <- function(y, p, groups = 10) {
  cuts <- unique(quantile(p, seq(0, 1, 1 / groups)))
  group <- cut(p, cuts, include.lowest = TRUE)
  observed <- rbind(tapply(1 - y, group, sum), tapply(y, group, sum))
  expected <- rbind(tapply(1 - p, group, sum), tapply(p, group, sum))
  statistic <- sum((observed - expected)^2 / expected)
  df <- nlevels(group) - 2
  list(statistic = statistic, df = vec(df), p = pchisq(statistic, df, lower.tail = FALSE),
       predicted = vec(expected[2, ] / colSums(expected)),
       observed = vec(observed[2, ] / colSums(observed)))
}

logistic <- function(...) {
  one <- case(..., family = "binomial")
  object <- polished(one)
  y <- unname(object$y)
  p <- unname(fitted(object))
  curve <- roc(y, p, quiet = TRUE, direction = "<")
  # a 0/1 response has a saturated log-likelihood of 0
  log_likelihood <- -object$deviance / 2
  null <- -object$null.deviance / 2
  cox_snell <- 1 - exp(2 * (null - log_likelihood) / length(y))
  entry(one, list(
    hosmer_lemeshow = hosmer_lemeshow(y, p),
    auc = list(estimate = as.numeric(auc(curve)), lower = ci.auc(curve)[1], upper = ci.auc(curve)[3],
               se = sqrt(var(curve)), sensitivity = vec(rev(curve$sensitivities)),
               specificity = vec(rev(curve$specificities))),
    confusion = unname(unclass(table(factor(y, 0:1), factor(as.numeric(p > 0.5), 0:1)))),
    pseudo = list(mcfadden = 1 - log_likelihood / null, cox_snell = cox_snell,
                  nagelkerke = cox_snell / (1 - exp(2 * null / length(y))))
  ), model = "glm", family = "binomial", link = one$options$link)
}

wanted <- list(
  linear("mtcars", "mtcars", "mpg ~ wt + hp + qsec"),
  linear("mtcars-factor", "mtcars", "mpg ~ wt + factor(cyl)"),
  linear("swiss", "swiss", "Fertility ~ Agriculture + Education + Catholic"),
  linear("longley", "longley", "Employed ~ GNP + Unemployed"),
  linear("airquality", "airquality", "Ozone ~ Wind + Temp", subset = "Month < 8"),
  logistic("infert", "infert", "case ~ age + spontaneous + induced", link = "logit"),
  logistic("infert-probit", "infert", "case ~ spontaneous + age", link = "probit"),
  logistic("mtcars-logit", "mtcars", "am ~ wt", link = "logit")
)

save_cases(wanted, "specification.json")
