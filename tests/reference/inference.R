# Intervals and tests: writes inference.json.
#
# profile: limits at which the deviance has risen by the quantile of chi-squared (or of F, where a
# dispersion is estimated), by uniroot on fits with the coefficient in the offset, to 1e-12; R's own
# confint interpolates such a profile and is kept beside them. Multinomial models are profiled by
# optim on the log-likelihood with one coefficient held.

source("common.R")
source("softmax.R")
suppressPackageStartupMessages(library(MASS))

# Deviance of a glm with one coefficient held, the others starting where they follow to first order
held_deviance <- function(object, column, value) {
  X <- model.matrix(object)
  offset <- if (is.null(object$offset)) rep(0, nrow(X)) else object$offset
  rest <- X[, -column, drop = FALSE]
  V <- vcov(object)
  start <- coef(object) + V[, column] / V[column, column] * (value - coef(object)[column])
  fitted <- suppressWarnings(glm.fit(
    rest, object$y, weights = object$prior.weights, offset = offset + value * X[, column],
    family = object$family, control = tight, start = start[-column]
  ))
  fitted$deviance
}

root <- function(rise, from, by) {
  to <- from + by
  while (rise(to) < 0) to <- to + by
  uniroot(rise, sort(c(from, to)), tol = 1e-13, maxiter = 1000)$root
}

profile_entry <- function(case) {
  object <- polished(case)
  known <- object$family$family %in% c("binomial", "poisson")
  phi <- if (known) 1 else summary(object)$dispersion
  cutoff <- if (known) qnorm(0.975) else qt(0.975, df.residual(object))
  se <- sqrt(diag(vcov(object)))
  sides <- sapply(seq_along(coef(object)), function(j) {
    rise <- function(b) (held_deviance(object, j, b) - deviance(object)) / phi - cutoff^2
    c(root(rise, coef(object)[j], -se[j]), root(rise, coef(object)[j], se[j]))
  })
  interpolated <- suppressMessages(confint(object))
  entry(
    case,
    list(
      names = vec(names(coef(object))), lower = vec(sides[1, ]), upper = vec(sides[2, ]),
      interpolated = unname(interpolated)
    ),
    family = case$options$family, link = case$options$link
  )
}

# Multinomial log-likelihood at its best with one coefficient held: damped Newton from the line
# that the others follow to first order. beta by class, then column.
held_kernel <- function(data, best, place, value) {
  X <- data$X; Y <- data$Y; total <- rowSums(Y)
  q <- ncol(Y) - 1; p <- ncol(X)
  theta <- as.vector(t(best$beta))
  theta <- theta + best$vcov[, place] / best$vcov[place, place] * (value - theta[place])
  free <- setdiff(seq_along(theta), place)
  probability <- function(theta) softmax(X, matrix(theta, q, byrow = TRUE))
  kernel <- function(theta) sum(Y[Y > 0] * log(probability(theta)[Y > 0]))
  for (round in 1:200) {
    P <- probability(theta)
    score <- as.vector(t(X) %*% (Y - total * P)[, -1, drop = FALSE])
    info <- matrix(0, length(theta), length(theta))
    for (k in 1:q) for (l in 1:q) {
      w <- total * (P[, k + 1] * (k == l) - P[, k + 1] * P[, l + 1])
      info[(k - 1) * p + 1:p, (l - 1) * p + 1:p] <- t(X) %*% (w * X)
    }
    step <- 0 * theta
    step[free] <- solve(info[free, free], score[free])
    while (kernel(theta + step) < kernel(theta) - 1e-9) step <- step / 2
    theta <- theta + step
    if (sum(step * score) < 1e-20) break
  }
  kernel(theta)
}

multinom_profile_entry <- function(case) {
  data <- softmax_data(fit(case, "multinom", trace = FALSE, maxit = 10000, reltol = 1e-15))
  best <- softmax_fit(data$X, data$Y)
  theta <- as.vector(t(best$beta)); se <- sqrt(diag(best$vcov))
  sides <- sapply(seq_along(theta), function(j) {
    rise <- function(b) 2 * (best$kernel - held_kernel(data, best, j, b)) - qnorm(0.975)^2
    c(root(rise, theta[j], -se[j]), root(rise, theta[j], se[j]))
  })
  entry(case, list(lower = vec(sides[1, ]), upper = vec(sides[2, ])))
}

rao_entry <- function(case, larger) {
  small <- polished(case)
  other <- case; other$formula <- larger
  large <- polished(other)
  compared <- anova(small, large, test = "Rao")
  sequence <- anova(large, test = "Rao")
  entry(
    case,
    list(
      rao = compared$Rao[2], p = compared[["Pr(>Chi)"]][2], dispersion = summary(large)$dispersion,
      sequence = list(rao = vec(sequence$Rao), p = vec(sequence[["Pr(>Chi)"]]))
    ),
    family = case$options$family, link = case$options$link, larger = larger
  )
}

# `ours` says the same hypotheses in statdl's names
hypothesis_entry <- function(case, model, theirs, ours, white = FALSE) {
  object <- if (model == "lm") fit(case, "lm") else polished(case)
  V <- if (white) hccm(object, type = "hc3") else vcov(object)
  test <- linearHypothesis(object, theirs, vcov. = V, test = if (model == "lm") "F" else "Chisq")
  letter <- if (model == "lm") "F" else "Chisq"
  entry(
    case, list(df = test$Df[2], statistic = test[[letter]][2], p = test[[ncol(test)]][2]),
    model = model, family = case$options$family, link = case$options$link,
    hypotheses = list(vec(ours)), vcov = if (white) "HC3" else "classical"
  )
}

delta_entry <- function(case, model, expressions) {
  object <- if (model == "lm") fit(case, "lm") else polished(case)
  found <- lapply(expressions, function(text) deltaMethod(object, gsub("Intercept", "(Intercept)", text, fixed = TRUE)))
  entry(
    case,
    list(
      estimate = vec(sapply(found, function(one) one[["Estimate"]])),
      se = vec(sapply(found, function(one) one[["SE"]]))
    ),
    model = model, family = case$options$family, link = case$options$link,
    expressions = list(vec(expressions))
  )
}

adjustments <- function(p) {
  kinds <- c("holm", "hochberg", "hommel", "bonferroni", "BH", "BY", "fdr")
  c(list(p = vec(p)), lapply(setNames(kinds, kinds), function(kind) vec(p.adjust(p, kind))))
}

single_table <- function(table) {
  names(table)[names(table) == "Sum of Sq"] <- "sum_sq"
  statistic <- intersect(c("F value", "LRT", "Rao score"), names(table))
  p <- grep("^Pr", names(table), value = TRUE)
  list(
    terms = vec(sub("<none>", "<none>", rownames(table))), df = vec(table$Df), aic = vec(table$AIC),
    statistic = vec(table[[statistic]]), p = vec(table[[p]])
  )
}

path <- function(object) {
  way <- object$anova
  list(
    steps = vec(as.character(way$Step)), df = vec(way$Df), deviance = vec(way$Deviance),
    resid_df = vec(way[["Resid. Df"]]), resid_dev = vec(way[["Resid. Dev"]]), aic = vec(way$AIC),
    terms = vec(attr(terms(object), "term.labels"))
  )
}

stepwise_entry <- function(case, model, scope, test, direction = "both", k = 2) {
  object <- if (model == "lm") fit(case, "lm") else {
    family <- do.call(case$options$family, list(link = case$options$link))
    assign("one_family", family, globalenv())
    fit(case, "glm", family = quote(one_family), control = quote(tight))
  }
  upper <- as.formula(scope)
  chosen <- suppressWarnings(step(object, list(lower = ~1, upper = upper), direction = direction, trace = 0, k = k))
  entry(
    case,
    list(
      drop1 = single_table(drop1(object, test = test, k = k)),
      add1 = single_table(suppressWarnings(add1(object, upper, test = test, k = k))),
      step = path(chosen), backward = path(step(object, trace = 0, k = k))
    ),
    model = model, family = case$options$family, link = case$options$link, scope = scope,
    test = test, direction = direction, k = k
  )
}

# F tests of single terms: R divides by deviance/df of the larger model
single_f_entry <- function(case, scope) {
  family <- do.call(case$options$family, list(link = case$options$link))
  assign("one_family", family, globalenv())
  object <- fit(case, "glm", family = quote(one_family), control = quote(tight))
  tables <- lapply(
    list(drop1 = drop1(object, test = "F"), add1 = add1(object, as.formula(scope), test = "F")),
    function(table) single_table(table)[c("terms", "df", "statistic", "p")]
  )
  entry(case, tables, family = case$options$family, link = case$options$link, scope = scope)
}

glm_case <- function(id, data, formula, family, link, ...) {
  case(id, data, formula, family = family, link = link, ...)
}

entries <- list(
  profile = lapply(list(
    glm_case("logit", "mtcars", "am ~ wt", "binomial", "logit"),
    glm_case("probit", "infert", "case ~ spontaneous + induced + age", "binomial", "probit"),
    glm_case("counts", "budworm", "cbind(dead, alive) ~ sex + ldose", "binomial", "logit"),
    glm_case("poisson", "warpbreaks", "breaks ~ wool * tension", "poisson", "log"),
    glm_case("offset", "insurance", "Claims ~ Group + Age + offset(log(Holders))", "poisson", "log"),
    glm_case("gamma-inverse", "clotting", "lot1 ~ log(u)", "Gamma", "inverse"),
    glm_case("gamma-log", "mtcars", "mpg ~ wt + hp", "Gamma", "log")
  ), profile_entry),
  multinom_profile = lapply(list(
    case("iris", "iris", "Species ~ Sepal.Width"),
    case("housing", "housing", "Sat ~ Infl + Cont", weights = "Freq")
  ), multinom_profile_entry),
  rao = list(
    rao_entry(glm_case("logit", "mtcars", "am ~ wt", "binomial", "logit"), "am ~ wt + hp"),
    rao_entry(glm_case("probit", "infert", "case ~ spontaneous", "binomial", "probit"),
              "case ~ spontaneous + induced + age"),
    rao_entry(glm_case("poisson", "warpbreaks", "breaks ~ wool", "poisson", "log"),
              "breaks ~ wool * tension"),
    rao_entry(glm_case("gamma-log", "mtcars", "mpg ~ wt", "Gamma", "log"), "mpg ~ wt + hp + qsec")
  ),
  hypotheses = list(
    hypothesis_entry(case("lm", "mtcars", "mpg ~ wt + hp + qsec"), "lm",
                     c("wt = -4", "hp = 2*qsec"), c("wt = -4", "hp = 2*qsec")),
    hypothesis_entry(case("lm-hc3", "mtcars", "mpg ~ wt + hp + factor(cyl)"), "lm",
                     c("factor(cyl)6 = factor(cyl)8", "wt = 0"),
                     c("factor(cyl)[T.6] = factor(cyl)[T.8]", "wt"), white = TRUE),
    hypothesis_entry(glm_case("logit", "infert", "case ~ spontaneous + induced + age", "binomial", "logit"),
                     "glm", c("spontaneous = 2*induced", "age = 0"),
                     c("spontaneous - 2*induced = 0", "age = 0"))
  ),
  delta = list(
    delta_entry(case("lm", "mtcars", "mpg ~ wt + hp"), "lm",
                c("wt/hp", "exp(wt)", "sqrt(Intercept)*log(Intercept) - wt^2", "1/(wt + hp)")),
    delta_entry(glm_case("logit", "mtcars", "am ~ wt", "binomial", "logit"), "glm",
                c("-Intercept/wt", "exp(wt)", "1/(1 + exp(-Intercept - 3*wt))"))
  ),
  adjust = list(
    adjustments(c(0.01, 0.02, 0.03, 0.04, 0.05)),
    adjustments(c(0.5, 0.001, 0.03, 0.03, 0.9, 0.0004, NA, 0.2)),
    adjustments(c(0.3, 0.01)), adjustments(0.02)
  ),
  stepwise = list(
    stepwise_entry(case("lm", "mtcars", "mpg ~ wt + hp + qsec + factor(cyl)"), "lm",
                   "~ wt * hp + qsec + factor(cyl) + am", "F"),
    stepwise_entry(case("lm-bic", "swiss", "Fertility ~ Agriculture + Examination + Education"), "lm",
                   "~ Agriculture + Examination + Education + Catholic + Infant.Mortality", "F",
                   k = log(47)),
    stepwise_entry(case("lm-forward", "mtcars", "mpg ~ 1"), "lm", "~ wt * hp + qsec + am", "F",
                   direction = "forward"),
    stepwise_entry(glm_case("logit", "infert", "case ~ age + parity + induced + spontaneous",
                            "binomial", "logit"),
                   "glm", "~ age + parity + induced * spontaneous + education", "Chisq"),
    stepwise_entry(glm_case("poisson", "warpbreaks", "breaks ~ wool + tension", "poisson", "log"),
                   "glm", "~ wool * tension", "Rao")
  ),
  single_f = list(
    single_f_entry(glm_case("gamma-log", "mtcars", "mpg ~ wt + hp + qsec", "Gamma", "log"),
                   "~ . + factor(cyl) + am"),
    single_f_entry(glm_case("gamma-weights", "mtcars", "mpg ~ wt + hp", "Gamma", "inverse",
                            weights = "qsec"), "~ . + am + wt:hp"),
    single_f_entry(glm_case("gaussian-log", "mtcars", "mpg ~ wt + hp", "gaussian", "log"),
                   "~ . + am")
  )
)

write_json(entries, "inference.json")
