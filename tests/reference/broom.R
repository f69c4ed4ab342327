# What broom's tidy, glance and augment say of some models.
#   Rscript broom.R

source("common.R")
suppressPackageStartupMessages(library(broom))

models <- list(
  list(id = "lm", front = "lm", case = case("lm", "mtcars", "mpg ~ wt + factor(cyl)")),
  list(id = "lm weighted", front = "lm", case = case(
    "lm weighted", "mtcars", "mpg ~ wt + hp", weights = "qsec"
  )),
  list(id = "logit", front = "glm", case = case(
    "logit", "infert", "case ~ spontaneous + induced", family = "binomial", link = "logit"
  )),
  list(id = "poisson", front = "glm", case = case(
    "poisson", "warpbreaks", "breaks ~ wool + tension", family = "poisson", link = "log"
  )),
  list(id = "gamma", front = "glm", case = case(
    "gamma", "clotting", "lot1 ~ log(u)", family = "Gamma", link = "inverse"
  )),
  list(id = "multinom", front = "multinom", case = case(
    "multinom", "iris", "Species ~ Sepal.Width"
  ))
)

fitted_model <- function(model) {
  if (model$front == "lm") return(fit(model$case, "lm"))
  if (model$front == "glm") return(polished(model$case))
  fit(model$case, "multinom", trace = FALSE, reltol = 1e-15, abstol = 1e-15, maxit = 10000)
}

columns_of <- function(table, rows = 20) {
  table <- as.data.frame(head(table, rows))
  lapply(table[setdiff(names(table), ".rownames")], function(column) {
    vec(if (is.factor(column)) as.character(column) else as.vector(column))
  })
}

# tidy's limits of a glm profile the likelihood; Wald's are computed here
with_wald <- function(object) {
  if (inherits(object, "lm") && !inherits(object, "glm")) return(tidy(object, conf.int = TRUE))
  table <- tidy(object)
  half <- stats::qnorm(0.975)
  if (inherits(object, "glm") && !object$family$family %in% c("binomial", "poisson")) {
    half <- stats::qt(0.975, object$df.residual)
  }
  table$conf.low <- table$estimate - half * table$std.error
  table$conf.high <- table$estimate + half * table$std.error
  table
}

describe <- function(model) {
  object <- fitted_model(model)
  text <- function(name) model$case$options[[name]]
  result <- list(tidy = columns_of(with_wald(object)), glance = columns_of(glance(object)))
  if (model$front != "multinom") {
    said <- augment(object, se_fit = TRUE)
    result$augment <- columns_of(said[startsWith(names(said), ".")])
  }
  list(
    id = model$id, model = model$front, data = model$case$data, formula = model$case$formula,
    weights = text("weights"), family = text("family"), link = text("link"), result = result
  )
}

write_json(list(
  made_by = list(
    R = paste(R.version$major, R.version$minor, sep = "."),
    packages = list(broom = as.character(packageVersion("broom")))
  ),
  cases = lapply(models, describe)
), "broom.json")
