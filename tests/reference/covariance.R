# Robust covariances, by package sandwich: writes covariance.json.
#
# `polished` (common.R) takes glm to the last digits first; nnet's models come from Newton's method
# (softmax.R), and give sandwich what it asks of any model, its scores and its bread.

source("common.R")
source("softmax.R")
library(sandwich)

estfun.softmax <- function(x, ...) x$scores
bread.softmax <- function(x, ...) x$vcov * nrow(x$scores)
nobs.softmax <- function(object, ...) nrow(object$scores)

# Scores of every row, output-major as coefficients are: (y - p)_k x_j, times the row's weight
as_softmax <- function(case) {
  data <- softmax_data(fit(case, "multinom", trace = FALSE, maxit = 10000, reltol = 1e-15))
  best <- softmax_fit(data$X, data$Y)
  total <- rowSums(data$Y)
  left <- (data$Y - total * best$probability)[, -1, drop = FALSE]
  scores <- do.call(cbind, lapply(seq_len(ncol(left)), function(k) left[, k] * data$X))
  structure(list(scores = scores, vcov = best$vcov), class = "softmax")
}

groups <- function(case, object) {
  left_out <- if (inherits(object, "softmax")) NULL else na.action(object)
  used <- setdiff(seq_len(nrow(case$frame)), left_out)
  lapply(case$clusters, function(name) case$frame[[name]][used])
}

clustered <- function(case, object) {
  ways <- groups(case, object)
  by <- function(cluster, type, cadjust) {
    vcovCL(object, cluster = cluster, type = type, cadjust = cadjust)
  }
  one <- ways[1]
  full <- nrow(estfun(object)) - 1
  full <- full / (nrow(estfun(object)) - ncol(estfun(object)))
  result <- list(
    none = unname(by(one, "HC0", FALSE)), groups = unname(by(one, "HC0", TRUE)),
    full = unname(by(one, "HC0", TRUE) * full)
  )
  if (length(ways) == 2) result$two <- unname(by(ways, "HC0", TRUE) * full)
  if (inherits(object, "lm") && !inherits(object, "glm")) {
    stopifnot(all.equal(result$full, unname(by(one, "HC1", TRUE)), tolerance = 1e-12))
  }
  result
}

autocorrelated <- function(object) {
  newey <- function(...) unname(NeweyWest(object, prewhite = FALSE, ...))
  list(
    lag3 = newey(lag = 3), lag3_adjusted = newey(lag = 3, adjust = TRUE), lag0 = newey(lag = 0)
  )
}

covariance_entry <- function(case) {
  softmax <- case$model == "multinom"
  object <- switch(case$model, lm = fit(case, "lm"), glm = polished(case), as_softmax(case))
  if (softmax) {
    hc <- list(HC0 = unname(sandwich(object)))
    hc$HC1 <- unname(sandwich(object, adjust = TRUE))
  } else {
    kinds <- c("HC0", "HC1", "HC2", "HC3", "HC4")
    hc <- setNames(lapply(kinds, function(kind) unname(vcovHC(object, type = kind))), kinds)
  }
  result <- list(
    hc = hc, cluster = clustered(case, object), newey_west = autocorrelated(object)
  )
  if (!softmax) {
    result$bandwidth <- bwNeweyWest(object, prewhite = FALSE)
    slopes <- setdiff(names(coef(object)), "(Intercept)")
    result$wald <- linearHypothesis(
      object, slopes, vcov. = vcovHC(object, type = "HC3"), test = "F"
    )$F[2]
  }
  entry(
    case, result, model = case$model, family = case$options$family, link = case$options$link,
    clusters = list(vec(case$clusters))
  )
}

wanted <- function(model, clusters, id, data, formula, ...) {
  made <- case(id, data, formula, ...)
  made$model <- model
  made$clusters <- clusters
  made
}

cases <- list(
  wanted("lm", c("gear", "carb"), "mtcars", "mtcars", "mpg ~ wt + hp"),
  wanted("lm", c("cyl", "gear"), "mtcars-weighted", "mtcars", "mpg ~ wt + qsec", weights = "hp"),
  wanted("lm", c("Month", "Day"), "airquality-missing", "airquality", "Ozone ~ Wind + Temp + Solar.R"),
  wanted("lm", c("tension"), "warpbreaks", "warpbreaks", "breaks ~ wool"),
  wanted("lm", c("gear", "carb"), "no-intercept", "mtcars", "mpg ~ wt + hp - 1"),
  wanted("glm", c("gear", "carb"), "logit", "mtcars", "am ~ wt", family = "binomial", link = "logit"),
  wanted("glm", c("education", "parity"), "infert-probit", "infert", "case ~ spontaneous + induced",
         family = "binomial", link = "probit"),
  wanted("glm", c("tension"), "poisson", "warpbreaks", "breaks ~ wool",
         family = "poisson", link = "log"),
  wanted("glm", c("gear", "carb"), "gamma-log", "mtcars", "mpg ~ wt + hp",
         family = "Gamma", link = "log"),
  wanted("glm", c("District", "Age"), "offset", "insurance",
         "Claims ~ District + Group + Age + offset(log(Holders))",
         family = "poisson", link = "log"),
  wanted("multinom", c("parity", "spontaneous"), "infert", "infert", "education ~ age + induced"),
  wanted("multinom", c("carb", "cyl"), "mtcars-gear", "mtcars", "factor(gear) ~ qsec")
)

save_cases(lapply(cases, covariance_entry), "covariance.json")
