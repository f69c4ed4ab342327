# Comparisons of nested models: writes anova.json.

source("common.R")
source("softmax.R")

# `formulas` are fitted to the data of one case, each nested in the next
comparison <- function(id, model, data, formulas, ..., test) {
  one <- function(formula) case(id, data, formula, ...)
  list(model = model, test = test, formulas = formulas, cases = lapply(formulas, one))
}

# One row a model, in order
models_table <- function(anova) table_of(anova)[-1]

compare_lm <- function(cases, test) {
  models_table(do.call(anova, lapply(cases, fit, "lm")))
}

compare_glm <- function(cases, test) {
  models_table(do.call(anova, c(lapply(cases, polished), list(test = test))))
}

compare_multinom <- function(cases, test) {
  objects <- lapply(cases, fit, "multinom", trace = FALSE, maxit = 10000, reltol = 1e-15)
  fits <- lapply(lapply(objects, softmax_data), function(data) softmax_fit(data$X, data$Y))
  deviance <- vapply(fits, function(best) -2 * best$kernel, 0)
  edf <- vapply(fits, function(best) length(best$beta), 0)
  chi2 <- c(NA, -diff(deviance))
  df <- c(NA, diff(edf))
  table <- do.call(anova, objects)
  stopifnot(max(abs(table[["LR stat."]] - chi2), na.rm = TRUE) < 1e-5)
  list(
    edf = vec(edf), residual_deviance = vec(deviance), df = vec(df), chi2 = vec(chi2),
    p = vec(pchisq(chi2, df, lower.tail = FALSE))
  )
}

compare <- list(lm = compare_lm, glm = compare_glm, multinom = compare_multinom)

comparison_entry <- function(wanted) {
  shown <- inputs(wanted$cases[[1]])
  shown$newdata <- NULL
  shown$formula <- NULL
  options <- wanted$cases[[1]]$options
  c(
    shown["id"], list(model = wanted$model, formulas = vec(wanted$formulas), test = wanted$test),
    shown[names(shown) != "id"], list(family = options$family, link = options$link),
    list(result = compare[[wanted$model]](wanted$cases, wanted$test))
  )
}

wanted <- list(
  comparison("mtcars", "lm", "mtcars", c("mpg ~ wt", "mpg ~ wt + hp + factor(cyl)"), test = "F"),
  comparison("mtcars-chain", "lm", "mtcars",
             c("mpg ~ 1", "mpg ~ wt", "mpg ~ wt + hp", "mpg ~ wt * hp"), test = "F"),
  comparison("mtcars-weights-subset", "lm", "mtcars", c("mpg ~ wt", "mpg ~ wt + hp"),
             weights = "qsec", subset = "hp > 100", test = "F"),
  comparison("stackloss", "lm", "stackloss", c("stack.loss ~ Air.Flow", "stack.loss ~ ."),
             test = "F"),
  comparison("warpbreaks", "lm", "warpbreaks",
             c("breaks ~ wool", "breaks ~ wool + tension", "breaks ~ wool * tension"), test = "F"),
  comparison("budworm", "glm", "budworm",
             c("cbind(dead, alive) ~ ldose", "cbind(dead, alive) ~ sex + ldose",
               "cbind(dead, alive) ~ sex * ldose"),
             family = "binomial", link = "logit", test = "Chisq"),
  comparison("infert-probit", "glm", "infert",
             c("case ~ age + parity", "case ~ age + parity + spontaneous + induced"),
             family = "binomial", link = "probit", test = "Chisq"),
  comparison("insurance", "glm", "insurance",
             c("Claims ~ District + offset(log(Holders))",
               "Claims ~ District + Group + offset(log(Holders))",
               "Claims ~ District + Group + Age + offset(log(Holders))"),
             family = "poisson", link = "log", test = "Chisq"),
  comparison("clotting-chisq", "glm", "clotting", c("lot1 ~ 1", "lot1 ~ log(u)"),
             family = "Gamma", link = "log", test = "Chisq"),
  comparison("clotting-f", "glm", "clotting", c("lot1 ~ 1", "lot1 ~ log(u)"),
             family = "Gamma", link = "log", test = "F"),
  comparison("gaussian-f", "glm", "mtcars", c("mpg ~ wt", "mpg ~ wt + factor(cyl)"),
             family = "gaussian", link = "identity", test = "F"),
  comparison("housing", "multinom", "housing",
             c("Sat ~ Infl", "Sat ~ Infl + Type", "Sat ~ Infl + Type + Cont",
               "Sat ~ Infl * Type + Cont"),
             weights = "Freq", test = "Chisq"),
  comparison("infert", "multinom", "infert",
             c("education ~ age", "education ~ age + parity + induced"), test = "Chisq")
)

save_cases(lapply(wanted, comparison_entry), "anova.json")
