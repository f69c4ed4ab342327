# Tests of neglected non-linearity (tseries): writes terasvirta.json.

suppressPackageStartupMessages(library(tseries))
source("common.R")

tested <- function(id, data, response, predictors) {
  frame <- get(data)
  x <- as.matrix(frame[predictors])
  one <- function(type) {
    found <- terasvirta.test(x, frame[[response]], type = type)
    list(statistic = unname(found$statistic), df = vec(unname(found$parameter)),
         p = unname(found$p.value))
  }
  list(id = id, data = data, response = response, predictors = vec(predictors),
       result = list(F = one("F"), Chisq = one("Chisq")))
}

wanted <- list(
  tested("mtcars-wt", "mtcars", "mpg", "wt"),
  tested("mtcars-two", "mtcars", "mpg", c("wt", "hp")),
  tested("mtcars-three", "mtcars", "qsec", c("wt", "hp", "disp")),
  tested("iris", "iris", "Petal.Width", c("Sepal.Length", "Petal.Length"))
)

save_cases(wanted, "terasvirta.json")
