# Networks of one hidden layer by nnet: writes nnet.json.
#
# nnet minimises RSS + Σ d w² (linear output) or −log L + Σ d w² (entropy); its Hess is the second
# derivative of that. With one d a weight, and 0 for biases, that is statdl's objective: λ = d for
# the first (which has ½ RSS + ½ Σ λ w²) and λ = 2 d for the second. nnet stops near the optimum;
# Newton's method with nnet's own Hessian takes its weights to the last digits. R has no standard
# errors for a network: they come from the Jacobian below by the delta method.
#
# nnet's logistic function is cut off to 0 and 1 beyond ±15; no unit of these cases goes there.

source("common.R")

sigmoid <- plogis

# Outputs and their Jacobian in the weights, for X and weights in nnet's order
network <- function(w, X, size) {
  p <- ncol(X)
  first <- matrix(w[seq_len(size * (p + 1))], p + 1)
  last <- w[-seq_len(size * (p + 1))]
  Z <- cbind(1, X)
  scores <- Z %*% first
  h <- sigmoid(scores)
  jacobian <- lapply(seq_len(size), function(u) last[u + 1] * h[, u] * (1 - h[, u]) * Z)
  J <- unname(cbind(do.call(cbind, jacobian), 1, h))
  list(eta = drop(cbind(1, h) %*% last), J = J, scores = scores)
}

best_of <- function(X, y, size, decay, entropy, starts = 40) {
  set.seed(1)
  fits <- lapply(seq_len(starts), function(start) {
    nnet(
      X, y, size = size, linout = !entropy, entropy = entropy, decay = decay, rang = 1,
      maxit = 20000, reltol = 1e-15, abstol = 0, trace = FALSE
    )
  })
  fits[[which.min(vapply(fits, function(one) one$value, 0))]]
}

polished_network <- function(fit, X, y, size, decay, entropy) {
  for (step in 1:20) {
    at <- network(fit$wts, X, size)
    mean <- if (entropy) sigmoid(at$eta) else at$eta
    gradient <- (if (entropy) 1 else 2) * colSums(at$J * (mean - y)) + 2 * decay * fit$wts
    change <- solve(nnetHess(fit, X, y), gradient)
    fit$wts <- fit$wts - change
    if (max(abs(change) / pmax(abs(fit$wts), 1e-3)) < 1e-13) break
  }
  stopifnot(max(abs(gradient)) < 1e-9, max(abs(at$scores)) < 15)
  fit
}

network_case <- function(id, data, formula, size, strength, entropy = FALSE) {
  frame <- sets[[data]]
  X <- unname(model.matrix(as.formula(formula), frame)[, -1, drop = FALSE])
  y <- model.response(model.frame(as.formula(formula), frame))
  p <- ncol(X)
  biases <- c((seq_len(size) - 1) * (p + 1) + 1, size * (p + 1) + 1)
  decay <- rep(strength, size * (p + 1) + size + 1)
  decay[biases] <- 0
  fit <- polished_network(best_of(X, y, size, decay, entropy), X, y, size, decay, entropy)
  at <- network(fit$wts, X, size)
  H <- nnetHess(fit, X, matrix(y)) / if (entropy) 1 else 2
  information <- H - diag(if (entropy) 2 * decay else decay)
  effective <- sum(diag(solve(H, information)))
  mean <- if (entropy) sigmoid(at$eta) else at$eta
  dispersion <- if (entropy) 1 else sum((y - mean)^2) / (length(y) - effective)
  covariance <- dispersion * solve(H, information) %*% solve(H)
  slope <- if (entropy) mean * (1 - mean) else 1
  deviance <- if (entropy) -2 * sum(dbinom(y, 1, mean, log = TRUE)) else sum((y - mean)^2)
  list(
    id = id, data = data, formula = formula, size = size, decay = strength, entropy = entropy,
    result = list(
      weights = vec(fit$wts), deviance = deviance, effective = effective, dispersion = dispersion,
      fitted = rows(mean),
      se = rows(slope * sqrt(rowSums((at$J %*% covariance) * at$J)))
    )
  )
}

save_cases(list(
  network_case("one unit", "mtcars", "mpg ~ wt", 1, 0),
  network_case("two units, decay", "mtcars", "mpg ~ I(wt - 3) + I(hp / 100 - 1.5)", 2, 1),
  network_case(
    "classes", "infert", "case ~ I(age / 10 - 3) + spontaneous + induced", 2, 0.1, entropy = TRUE
  )
), "nnet.json")
