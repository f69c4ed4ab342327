# The data sets, taken from R and its recommended packages, in the shape statdl ships them:
# ordered factors become plain factors with the same level order, strings stay factors.

plain <- function(frame) {
  for (name in names(frame)) {
    column <- frame[[name]]
    if (is.factor(column)) frame[[name]] <- factor(as.character(column), levels = levels(column))
  }
  frame
}

sets <- lapply(list(
  airquality = datasets::airquality,
  anscombe = datasets::anscombe,
  infert = datasets::infert,
  InsectSprays = datasets::InsectSprays,
  iris = datasets::iris,
  longley = data.frame(datasets::longley, row.names = NULL),
  mtcars = datasets::mtcars,
  PlantGrowth = datasets::PlantGrowth,
  stackloss = datasets::stackloss,
  swiss = datasets::swiss,
  ToothGrowth = datasets::ToothGrowth,
  warpbreaks = datasets::warpbreaks,
  housing = MASS::housing,
  insurance = MASS::Insurance,
  # Venables and Ripley, section 7.2: moths out of 20 at doses 1, 2, ..., 32
  budworm = data.frame(
    sex = factor(rep(c("M", "F"), each = 6)),
    ldose = rep(0:5, 2),
    dead = c(1, 4, 9, 13, 18, 20, 0, 2, 6, 10, 12, 16),
    alive = 20 - c(1, 4, 9, 13, 18, 20, 0, 2, 6, 10, 12, 16)
  ),
  # the example of ?glm
  clotting = data.frame(
    u = c(5, 10, 15, 20, 30, 40, 60, 80, 100),
    lot1 = c(118, 58, 42, 35, 27, 25, 21, 19, 18),
    lot2 = c(69, 35, 26, 21, 18, 16, 13, 12, 12)
  ),
  hours = data.frame(hours = 1:9, score = c(11, 22, 33, 44, 53, 66, 77, 87, 95))
), plain)
