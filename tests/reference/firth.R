# Firth's bias reduction (brglm2), and limits from the penalised likelihood: writes firth.json.

suppressPackageStartupMessages(library(brglm2))
source("common.R")

data("endometrial", package = "brglm2")
sets$endometrial <- endometrial
shipped <- names(sets)[names(sets) != "endometrial"]
tight_brglm <- brglmControl(epsilon = 1e-13, maxit = 1000)

# max over the others of log L + log|I|/2 with one coefficient held, by no other code than this
penalised <- function(X, y, w) {
  function(beta) {
    eta <- drop(X %*% beta)
    mean <- plogis(eta)
    information <- crossprod(X * (w * mean * (1 - mean)), X)
    sum(w * (y * plogis(eta, log.p = TRUE) + (1 - y) * plogis(-eta, log.p = TRUE))) +
      determinant(information)$modulus / 2
  }
}

profile_limits <- function(X, y, w, estimate, errors, level = 0.95) {
  value <- penalised(X, y, w)
  best <- value(estimate)
  drop <- qchisq(level, 1) / 2
  one <- function(j, side) {
    left <- estimate[-j]
    gap <- function(b) {
      for (round in 1:500) {  # scoring with Firth's score, b held
        beta <- append(left, b, j - 1)
        mean <- plogis(drop(X %*% beta))
        spread <- w * mean * (1 - mean)
        information <- crossprod(X * spread, X)
        hat <- spread * rowSums((X %*% solve(information)) * X)
        score <- drop(crossprod(X, w * (y - mean) + hat * (0.5 - mean)))
        step <- solve(information[-j, -j], score[-j])
        step <- step * min(1, 2 / max(abs(X[, -j] %*% step)))
        left <<- left + step
        if (max(abs(step) / pmax(abs(left), 1e-8)) < 1e-13) break
      }
      best - value(append(left, b, j - 1)) - drop  # above 0 beyond the limit
    }
    near <- estimate[j]
    repeat {  # step by step, each maximum started from the one before
      far <- near + side * errors[j] / 4
      if (gap(far) > 0) break
      near <- far
    }
    uniroot(gap, sort(c(near, far)), tol = 1e-10)$root
  }
  places <- seq_along(estimate)
  list(lower = vec(vapply(places, one, 0, -1)), upper = vec(vapply(places, one, 0, 1)))
}

binary <- function(id, data, formula) {
  one <- case(id, data, formula)
  assign("frame", one$frame, globalenv())
  object <- glm(as.formula(formula), binomial, frame, method = "brglmFit", type = "AS_mean",
                control = tight_brglm)
  errors <- sqrt(diag(vcov(object)))
  X <- model.matrix(object)
  limits <- profile_limits(unname(X), unname(object$y), unname(object$prior.weights),
                           unname(coef(object)), unname(errors))
  shown <- inputs(one)
  shown$newdata <- NULL
  if (!(data %in% shipped)) {
    shown$columns <- lapply(one$frame, vec)
    shown$levels <- setNames(list(), character(0))
  }
  c(shown, list(model = "glm", result = list(
    names = vec(names(coef(object))), estimate = vec(coef(object)), se = vec(errors),
    fitted = rows(fitted(object)), profile = limits
  )))
}

several <- function(id, data, formula, weights = NULL) {
  one <- case(id, data, formula, weights = weights)
  assign("frame", one$frame, globalenv())
  arguments <- list(as.formula(formula), data = quote(frame), type = "AS_mean",
                    epsilon = 1e-12, maxit = 1000)
  if (!is.null(weights)) arguments$weights <- str2lang(weights)
  object <- do.call(brmultinom, arguments)
  shown <- inputs(one)
  shown$newdata <- NULL
  c(shown, list(model = "multinom", result = list(
    names = vec(colnames(coef(object))), levels = vec(rownames(coef(object))),
    estimate = unname(coef(object)), se = unname(summary(object)$standard.errors)
  )))
}

wanted <- list(
  binary("endometrial", "endometrial", "HG ~ NV + PI + EH"),
  binary("mtcars", "mtcars", "am ~ wt + hp"),
  binary("budworm", "budworm", "cbind(dead, alive) ~ sex + ldose"),
  several("iris", "iris", "Species ~ Sepal.Width + Petal.Length"),
  several("housing", "housing", "Sat ~ Infl + Cont", weights = "Freq")
)

save_cases(wanted, "firth.json")
