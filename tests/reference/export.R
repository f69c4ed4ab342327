# Write the CSV files of statdl/datasets/data that come from R.
#   Rscript export.R ../../statdl/datasets/data

source("sets.R")
index <- c(mtcars = "model", swiss = "province")

shortest <- function(column) {
  if (!is.double(column)) return(column)
  vapply(column, function(x) {
    if (is.na(x)) return(NA_character_)
    text <- sprintf("%.15g", x)
    if (as.numeric(text) == x) text else sprintf("%.17g", x)
  }, "")
}

folder <- commandArgs(trailingOnly = TRUE)[1]
for (name in names(sets)) {
  frame <- sets[[name]]
  if (name %in% names(index)) frame <- cbind(setNames(list(rownames(frame)), index[[name]]), frame)
  frame <- as.data.frame(lapply(frame, shortest), check.names = FALSE)
  stopifnot(!any(vapply(frame, function(column) any(grepl(",", column)), TRUE)))
  file <- file.path(folder, paste0(name, ".csv"))
  write.csv(frame, file, row.names = FALSE, na = "", quote = FALSE)
}
