# Multinomial logit by Newton's method on the design and counts of an nnet::multinom fit.
# Category 1 is the reference; beta has a row for each other category, and the covariance
# goes category by category, as nnet's vcov() does.

softmax <- function(X, beta) {
  eta <- cbind(0, X %*% t(beta))
  raised <- exp(eta - apply(eta, 1, max))
  raised / rowSums(raised)
}

information <- function(X, P, totals) {
  K <- ncol(P)
  blocks <- lapply(2:K, function(j) do.call(cbind, lapply(2:K, function(k) {
    crossprod(X, X * (totals * P[, j] * ((j == k) - P[, k])))
  })))
  do.call(rbind, blocks)
}

softmax_fit <- function(X, Y) {
  totals <- rowSums(Y)
  beta <- matrix(0, ncol(Y) - 1, ncol(X))
  if (ncol(X) == 0) return(summed_up(X, Y, beta))
  for (round in 1:200) {
    P <- softmax(X, beta)
    score <- as.vector(crossprod(X, (Y - totals * P)[, -1]))
    step <- t(matrix(solve(information(X, P, totals), score, tol = 1e-30), ncol(X)))
    while (worse(kernel_of(X, Y, beta + step), kernel_of(X, Y, beta))) step <- step / 2
    beta <- beta + step
    if (max(abs(step) / pmax(abs(beta), 1e-2)) < 1e-14) break
  }
  stopifnot(max(abs(step) / pmax(abs(beta), 1e-2)) < 1e-9)
  summed_up(X, Y, beta)
}

# Lower by more than rounding explains
worse <- function(new, old) !is.finite(new) || new < old - 1e-12 * abs(old)

kernel_of <- function(X, Y, beta) {
  P <- softmax(X, beta)
  sum(ifelse(Y == 0, 0, Y * log(P)))
}

summed_up <- function(X, Y, beta) {
  P <- softmax(X, beta)
  vcov <- if (ncol(X)) solve(information(X, P, rowSums(Y)), tol = 1e-30)
  list(beta = beta, probability = P, kernel = kernel_of(X, Y, beta), vcov = vcov)
}

# The design, the counts (weights included) and the terms of an nnet::multinom fit
softmax_data <- function(object) {
  frame <- model.frame(object)
  X <- model.matrix(object)
  y <- model.response(frame)
  counts <- is.matrix(y)
  # nnet keeps the row sums of counts as weights
  weights <- if (counts) 1 else as.vector(object$weights)
  Y <- if (counts) y else nnet::class.ind(factor(y))
  constant <- if (counts) sum(lfactorial(rowSums(Y)) - rowSums(lfactorial(Y))) else 0
  list(
    X = X, Y = unname(Y) * weights, levels = colnames(Y), assign = attr(X, "assign"),
    factors = attr(terms(object), "factors"), constant = constant
  )
}

# Standard errors of each linear predictor and, by the delta method, of each probability:
# dp_k / deta_j = p_k (1[j = k] - p_j)
link_se <- function(X, best) {
  t(apply(X, 1, function(x) {
    J <- kronecker(diag(nrow(best$beta)), t(x))
    sqrt(diag(J %*% best$vcov %*% t(J)))
  }))
}

probability_se <- function(X, best) {
  P <- softmax(X, best$beta)
  t(vapply(seq_len(nrow(X)), function(i) {
    p <- P[i, ]
    slope <- (diag(length(p)) - rep(1, length(p)) %o% p)[, -1, drop = FALSE] * p
    J <- slope %*% kronecker(diag(nrow(best$beta)), t(X[i, ]))
    sqrt(diag(J %*% best$vcov %*% t(J)))
  }, numeric(ncol(P))))
}

# What the formulas above give must be what nnet and car give, to the accuracy of those
check_against_nnet <- function(object, best) {
  close <- function(a, b, within) stopifnot(max(abs(a - b) / pmax(abs(b), 1e-3)) < within)
  close(coef(object), best$beta, 1e-3)
  close(deviance(object), -2 * best$kernel, 1e-9)
  close(vcov(object), best$vcov, 1e-2)
}

# (without an intercept car drops a column that it takes for one, so its answer is no check)
check_against_car <- function(table, object, type) {
  if (attr(terms(object), "intercept") == 0) return()
  answer <- Anova(object, type = type)
  expected <- answer[["LR Chisq"]]
  stopifnot(identical(rownames(answer), table$terms[[1]]),
            max(abs(table$chi2[[1]] - expected)) < 1e-4)
}
