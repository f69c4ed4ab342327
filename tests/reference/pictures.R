# Coordinates of added-variable plots (car), and areas under ROC curves of several classes (pROC):
# writes pictures.json.

source("common.R")
source("softmax.R")
suppressPackageStartupMessages(library(pROC))
pdf(NULL)

added <- function(id, data, formula) {
  one <- case(id, data, formula)
  object <- fit(one, "lm")
  names <- setdiff(names(coef(object)), "(Intercept)")
  drawn <- lapply(setNames(names, names), function(name) {
    found <- avPlot(object, name)
    list(x = vec(found[, 1]), y = vec(found[, 2]))
  })
  shown <- inputs(one)
  shown$newdata <- NULL
  c(shown, list(model = "lm", result = list(names = vec(names), drawn = unname(drawn))))
}

several <- function(id, data, formula) {
  one <- case(id, data, formula)
  model <- fit(one, "multinom", trace = FALSE)
  object <- softmax_data(model)
  probability <- softmax_fit(object$X, object$Y)$probability
  classes <- model$lev
  class <- factor(classes[max.col(object$Y)], classes)
  colnames(probability) <- classes
  areas <- lapply(classes, function(k) {
    curve <- roc(as.integer(class == k), probability[, k], quiet = TRUE, direction = "<")
    list(class = k, auc = as.numeric(auc(curve)), se = sqrt(var(curve)),
         lower = ci.auc(curve)[1], upper = ci.auc(curve)[3])
  })
  together <- as.numeric(suppressMessages(multiclass.roc(class, probability))$auc)
  shown <- inputs(one)
  shown$newdata <- NULL
  c(shown, list(model = "multinom", result = list(areas = areas, together = together)))
}

wanted <- list(
  added("mtcars", "mtcars", "mpg ~ wt + hp + factor(cyl)"),
  added("longley", "longley", "Employed ~ GNP + Year"),
  several("iris", "iris", "Species ~ Sepal.Width"),
  several("mtcars-cyl", "mtcars", "factor(cyl) ~ qsec"),
  several("mtcars-gear", "mtcars", "factor(gear) ~ hp + wt")
)

save_cases(wanted, "pictures.json")
