# What the scripts share: fitting a case, turning R's tables into lists, new data for prediction.

source("json.R")
source("sets.R")
suppressPackageStartupMessages({
  library(car)
  library(nnet)
  library(splines)
})
options(warn = 1, contrasts = c("contr.treatment", "contr.poly"))

levels_of_confidence <- c("0.95" = 0.95, "0.9" = 0.90)

new_data <- list(
  airquality = data.frame(Solar.R = c(100, 250), Wind = c(5, 12.5), Temp = c(70, 88)),
  anscombe = data.frame(x1 = c(5, 20), x4 = c(8, 12)),
  budworm = data.frame(sex = c("M", "F", "F"), ldose = c(1.5, 2.5, 6)),
  clotting = data.frame(u = c(7, 50, 120), lot1 = c(100, 24, 17)),
  hours = data.frame(hours = c(2.5, 10)),
  housing = data.frame(
    Infl = c("Low", "High", "Medium"), Type = c("Tower", "Atrium", "Terrace"),
    Cont = c("High", "Low", "High")
  ),
  infert = data.frame(
    education = c("0-5yrs", "12+ yrs", "6-11yrs"), age = c(25, 31, 40), parity = c(1, 2, 4),
    induced = c(0, 1, 2), spontaneous = c(2, 0, 1)
  ),
  InsectSprays = data.frame(spray = c("A", "C", "F")),
  insurance = data.frame(
    District = c("1", "4"), Group = c("<1l", ">2l"), Age = c("25-29", ">35"), Holders = c(50, 400)
  ),
  iris = data.frame(
    Sepal.Length = c(5, 6.3, 7), Sepal.Width = c(3.5, 2.5, 3.1), Petal.Length = c(1.5, 4.2, 6),
    Petal.Width = c(0.3, 1.3, 2.1), Species = c("setosa", "versicolor", "virginica")
  ),
  longley = datasets::longley[c(3, 11), ],
  mtcars = data.frame(
    wt = c(2, 3.1, 4.4, 5), hp = c(75, 120, 210, 300), cyl = c(4, 6, 8, 8), am = c(1, 0, 1, 0),
    disp = c(90, 200, 360, 420), qsec = c(19, 17.5, 16, 18), gear = c(4, 3, 5, 3),
    drat = c(4, 3.2, 3.1, 3), carb = c(1, 2, 4, 8)
  ),
  PlantGrowth = data.frame(group = c("ctrl", "trt2")),
  stackloss = data.frame(
    Air.Flow = c(60, 72), Water.Temp = c(20, 25), Acid.Conc. = c(85, 90)
  ),
  swiss = datasets::swiss[c(2, 30), ],
  ToothGrowth = data.frame(supp = c("OJ", "VC", "VC"), dose = c(0.5, 1, 2)),
  warpbreaks = data.frame(wool = c("A", "B"), tension = c("H", "M"))
)

# A case says in text what to fit; the same text means the same in R and in statdl. `frame`
# gives data that are not a shipped set, and `newdata` the rows to predict.
case <- function(id, data, formula, ..., frame = NULL, newdata = NULL) {
  frame <- if (is.null(frame)) sets[[data]] else frame
  newdata <- if (is.null(newdata)) new_data[[data]] else newdata
  sides <- str2lang(formula)
  used <- intersect(names(newdata), c(all.vars(sides[[3]]), words(list(...)$offset)))
  if (identical(sides[[3]], quote(.))) used <- setdiff(names(newdata), all.vars(sides[[2]]))
  structure(list(
    id = id, data = data, formula = formula, options = list(...), frame = frame,
    newdata = as_in(frame, newdata[used])
  ))
}

# Strings of new data as factors with the levels of the data fitted.
as_in <- function(frame, newdata) {
  for (name in names(newdata)) {
    if (is.factor(frame[[name]])) newdata[[name]] <- factor(newdata[[name]], levels(frame[[name]]))
  }
  newdata
}

words <- function(text) if (is.character(text)) all.vars(str2lang(text)) else NULL

# The model call of a case, evaluated where `case$frame` is called `frame`.
fit <- function(case, fitter, ...) {
  assign("frame", case$frame, globalenv())
  parts <- case$options[intersect(c("weights", "offset", "subset"), names(case$options))]
  eval(as.call(c(
    list(as.name(fitter), as.formula(case$formula, env = globalenv()), data = quote(frame)),
    lapply(parts, str2lang), list(...)
  )), globalenv())
}

# glm() stops when the deviance stops moving, which leaves half of the digits of the
# coefficients open; starting again from them until they stand still gives the rest.
polished <- function(case) {
  family <- do.call(case$options$family, list(link = case$options$link))
  once <- function(...) fit(case, "glm", family = family, control = quote(tight), ...)
  object <- once()
  for (round in 1:100) {
    before <- coef(object)
    object <- suppressWarnings(once(start = before))
    if (max(abs(coef(object) - before) / pmax(abs(before), 1e-8)) < 1e-14) break
  }
  stopifnot(relative_score(object) < 1e-12)
  object
}

tight <- glm.control(epsilon = 1e-14, maxit = 200)

# The score, each element relative to the sum of the absolute values that it adds up
relative_score <- function(object) {
  parts <- model.matrix(object) * residuals(object, "working") * weights(object, "working")
  max(abs(colSums(parts)) / colSums(abs(parts)))
}

with_sum_contrasts <- function(expression) {
  old <- options(contrasts = c("contr.sum", "contr.poly"))
  on.exit(options(old))
  force(expression)
}

# null where the method has no answer, as car has none for aliased coefficients
if_possible <- function(expression) tryCatch(expression, error = function(problem) NULL)

columns <- c(
  "Df" = "df", "Sum Sq" = "sum_sq", "Sum of Sq" = "sum_sq", "Mean Sq" = "mean_sq",
  "F" = "f", "F value" = "f", "F values" = "f", "Pr(>F)" = "p", "Pr(>Chi)" = "p",
  "Pr(>Chisq)" = "p", "Res.Df" = "df_residual", "Resid. Df" = "df_residual", "RSS" = "rss",
  "Deviance" = "deviance", "Resid. Dev" = "residual_deviance", "LR Chisq" = "chi2"
)

table_of <- function(anova) {
  if (is.null(anova)) return(NULL)
  values <- lapply(anova, vec)
  names(values) <- columns[names(anova)]
  c(list(terms = vec(rownames(anova))), values)
}

intervals <- function(one) lapply(levels_of_confidence, one)

# Values of rows are kept for the first rows only: enough to test, and the files stay small.
rows <- function(x) if (is.matrix(x)) unname(head(x, 20)) else vec(head(x, 20))

limits <- function(matrix, lower = 1, upper = 2) {
  list(lower = vec(matrix[, lower]), upper = vec(matrix[, upper]))
}

terms_of <- function(object, newdata) {
  values <- predict(object, newdata, type = "terms")
  list(
    constant = attr(values, "constant"), names = vec(colnames(values)),
    values = matrix(values, nrow(values))
  )
}

inputs <- function(case) {
  text <- function(name) case$options[[name]]
  shown <- list(
    id = case$id, data = case$data, formula = case$formula, weights = text("weights"),
    offset = text("offset"), subset = text("subset")
  )
  if (!(case$data %in% names(sets))) {
    shown$columns <- lapply(case$frame, vec)
    shown$levels <- lapply(Filter(is.factor, case$frame), function(x) vec(levels(x)))
  }
  shown$newdata <- lapply(case$newdata, vec)
  shown
}

# list(a = NULL) keeps its key, so that the file shows null
entry <- function(case, result, ...) c(inputs(case), ..., list(result = result))

save_cases <- function(entries, file) {
  versions <- c("car", "nnet", "MASS")
  write_json(list(
    made_by = list(
      R = paste(R.version$major, R.version$minor, sep = "."),
      packages = setNames(lapply(versions, function(p) as.character(packageVersion(p))), versions)
    ),
    cases = entries
  ), file)
}
