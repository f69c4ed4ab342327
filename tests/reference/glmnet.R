# Regularization paths by glmnet (Debian: r-cran-glmnet), at its tightest tolerance.
#
#     Rscript glmnet.R

source("json.R")
suppressPackageStartupMessages(library(glmnet))
glmnet.control(mxitnr = 1000, epsnr = 1e-12)

cars <- datasets::mtcars
quarters <- as.integer(cut(cars$mpg, quantile(cars$mpg), include.lowest = TRUE))
weights <- as.numeric(1 + seq_len(nrow(cars)) %% 3)
offset <- as.numeric(sin(seq_len(nrow(cars))))

# The response, the columns, and the options of a case; options are those of glmnet.
case <- function(id, y, columns, family, positions = c(2, 15, 40), ...) {
  options <- list(...)
  response <- if (is.character(y)) cars[[y]] else y
  target <- if (family %in% c("multinomial", "binomial")) factor(response) else response
  X <- as.matrix(cars[, columns])
  fit <- function(...) do.call(glmnet, c(list(
    x = X, y = target, family = family, thresh = 1e-16, maxit = 1e8, ...
  ), options))
  grid <- do.call(glmnet, c(list(x = X, y = target, family = family), options))$lambda
  chosen <- grid[positions[positions <= length(grid)]]
  exact <- fit(lambda = chosen)
  table <- coef(exact)
  if (family != "multinomial") table <- list(table)
  values <- lapply(table, function(one) lapply(seq_along(chosen), function(k) as.numeric(one[, k])))
  list(
    id = id, y = if (is.character(y)) y else as.numeric(y), columns = as.list(columns),
    family = family, options = if (length(options)) options else NULL, grid = as.numeric(grid), lambda = as.numeric(chosen),
    coefficients = unname(values), explained = as.numeric(exact$dev.ratio)
  )
}

few <- c("disp", "hp", "drat", "wt", "qsec")
many <- c("cyl", "disp", "hp", "drat", "wt", "qsec", "vs", "am", "gear", "carb")
rest <- c("disp", "drat", "wt", "qsec", "carb")
cases <- list(
  case("lasso", "mpg", many, "gaussian"),
  case("elastic net", "mpg", many, "gaussian", alpha = 0.5),
  case("ridge", "mpg", many, "gaussian", alpha = 0),
  case("weights and offset", "mpg", many, "gaussian", weights = weights, offset = offset),
  case("factors", "mpg", few, "gaussian", penalty.factor = c(1, 0, 2, 1, 0.5)),
  case("as they are", "mpg", many, "gaussian", standardize = FALSE),
  case("without intercept", "mpg", few, "gaussian", intercept = FALSE),
  case("limits", "mpg", many, "gaussian", lower.limits = -0.5, upper.limits = 1),
  case("logistic lasso", "am", few, "binomial"),
  case("logistic elastic net", "am", few, "binomial", alpha = 0.3, weights = weights),
  case("logistic limits", "vs", c("disp", "drat", "wt"), "binomial", lower.limits = -0.01),
  case("poisson lasso", "carb", few, "poisson"),
  case("poisson ridge", "carb", few, "poisson", alpha = 0, offset = offset / 4),
  case("three classes", "gear", rest, "multinomial"),
  case("three classes, weights", "gear", rest, "multinomial", weights = weights, alpha = 0.5),
  case("three classes, grouped", "gear", rest, "multinomial", type.multinomial = "grouped"),
  case("four classes", quarters, c("disp", "hp", "drat", "wt"), "multinomial"),
  case("four classes, grouped", quarters, c("disp", "hp", "drat", "wt"), "multinomial",
       type.multinomial = "grouped", alpha = 0.7)
)
write_json(list(glmnet = as.character(packageVersion("glmnet")), cases = cases), "glmnet.json")
