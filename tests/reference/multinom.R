# Multinomial logit models: writes multinom.json.
#
# nnet::multinom stops near the optimum; Newton's method takes its estimate to the last digits.
# The tables of tests and the standard errors of probabilities, which R does not offer, come
# from the formulas in softmax.R; each is checked against nnet or car before it is saved.

source("common.R")
source("softmax.R")

fit_multinom <- function(case) {
  fit(case, "multinom", trace = FALSE, maxit = 10000, reltol = 1e-15)
}

by_category <- function(values, best) matrix(values, nrow = nrow(best$beta), byrow = TRUE)

coefficients_of <- function(best, names) {
  se <- by_category(sqrt(diag(best$vcov)), best)
  z <- best$beta / se
  list(
    names = vec(names), estimate = unname(best$beta), se = se, statistic = unname(z),
    p = unname(2 * pnorm(-abs(z)))
  )
}

confint_of <- function(best, level) {
  half <- qnorm((1 + level) / 2) * by_category(sqrt(diag(best$vcov)), best)
  list(lower = unname(best$beta - half), upper = unname(best$beta + half))
}

# kernel: sum of counts times log probability, which is all that nnet counts; loglik adds the
# logarithms of the multinomial coefficients when the response is a matrix of counts.
fit_statistics <- function(best, data) {
  edf <- length(best$beta)
  nothing <- softmax_fit(data$X[, data$assign == 0, drop = FALSE], data$Y)
  list(
    rows = nrow(data$X), total = sum(data$Y), edf = edf, kernel = best$kernel,
    loglik = best$kernel + data$constant, null_kernel = nothing$kernel,
    deviance = -2 * best$kernel, aic = 2 * edf - 2 * best$kernel
  )
}

predictions <- function(object, best, data, newdata) {
  X <- model.matrix(delete.response(terms(object)), newdata, xlev = object$xlevels)
  P <- softmax(X, best$beta)
  list(
    probability = P, probability_se = probability_se(X, best),
    class = vec(data$levels[max.col(P)]), link = unname(X %*% t(best$beta)),
    link_se = unname(link_se(X, best))
  )
}

# Likelihood ratio of the terms `full` (numbers, 0 the intercept) against those of `reduced`
ratio <- function(data, full, reduced) {
  kernel <- function(terms) {
    softmax_fit(data$X[, data$assign %in% terms, drop = FALSE], data$Y)$kernel
  }
  2 * (kernel(full) - kernel(reduced))
}

# One row a term, tested within the terms that `beside` says stand beside it
test_table <- function(data, beside) {
  each <- seq_len(ncol(data$factors))
  chi2 <- vapply(each, function(k) ratio(data, c(beside(k), k), beside(k)), 0)
  df <- vapply(each, function(k) sum(data$assign == k) * (ncol(data$Y) - 1), 0)
  list(
    terms = vec(colnames(data$factors)), chi2 = vec(chi2), df = vec(df),
    p = vec(pchisq(chi2, df, lower.tail = FALSE))
  )
}

containing <- function(data, k) {
  inside <- data$factors[, k] > 0
  Filter(function(j) j != k && all(data$factors[inside, j] > 0), seq_len(ncol(data$factors)))
}

anova_of <- function(case, object, data) {
  all_terms <- unique(data$assign)
  first <- test_table(data, function(k) all_terms[all_terms < k])
  second <- test_table(data, function(k) setdiff(all_terms, c(k, containing(data, k))))
  third <- with_sum_contrasts({
    marginal <- fit_multinom(case)
    table <- test_table(softmax_data(marginal), function(k) setdiff(all_terms, k))
    check_against_car(table, marginal, 3)
    table
  })
  check_against_car(second, object, 2)
  list("1" = first, "2" = second, "3" = third)
}

multinom_entry <- function(case) {
  object <- fit_multinom(case)
  data <- softmax_data(object)
  best <- softmax_fit(data$X, data$Y)
  check_against_nnet(object, best)
  entry(case, list(
    levels = vec(data$levels), coefficients = coefficients_of(best, colnames(data$X)),
    statistics = fit_statistics(best, data),
    confint = intervals(function(level) confint_of(best, level)), vcov = unname(best$vcov),
    fitted = rows(best$probability),
    residuals = list(response = rows(data$Y / rowSums(data$Y) - best$probability)),
    predict = predictions(object, best, data, case$newdata),
    anova = anova_of(case, object, data)
  ))
}

housing_counts <- with(sets$housing, {
  wide <- unique(data.frame(Infl, Type, Cont))
  cbind(wide, t(matrix(Freq, 3, dimnames = list(levels(Sat), NULL))))
})

cases <- list(
  case("iris-length", "iris", "Species ~ Sepal.Length"),
  case("iris-width", "iris", "Species ~ Sepal.Width"),
  case("iris-subset", "iris", "Species ~ Sepal.Width", subset = "Sepal.Length > 5"),
  case("mtcars-gear", "mtcars", "factor(gear) ~ drat"),
  case("mtcars-cyl-poly", "mtcars", "factor(cyl) ~ poly(qsec, 2)"),
  case("infert", "infert", "education ~ age + parity + induced"),
  case("infert-no-intercept", "infert", "education ~ age + parity + induced - 1"),
  case("housing", "housing", "Sat ~ Infl + Type + Cont", weights = "Freq"),
  case("housing-interaction", "housing", "Sat ~ Infl * Type + Cont", weights = "Freq"),
  case("housing-counts", "housing_counts", "cbind(Low, Medium, High) ~ Infl + Type + Cont",
       frame = housing_counts, newdata = new_data$housing),
  case("housing-counts-interaction", "housing_counts",
       "cbind(Low, Medium, High) ~ Infl * Cont + Type",
       frame = housing_counts, newdata = new_data$housing)
)

save_cases(lapply(cases, multinom_entry), "multinom.json")
