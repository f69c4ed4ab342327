# Write R values as JSON without any package, each double in the fewest digits that read back
# as the same double. A vector made with vec() is an array even when it has one element.

vec <- function(x) structure(list(unname(x)), class = "vec")

number <- function(x) {
  if (is.na(x)) return("null")
  if (is.infinite(x)) return(if (x > 0) "Infinity" else "-Infinity")
  for (digits in 15:17) {
    text <- sprintf("%.*g", digits, x)
    if (as.numeric(text) == x) break
  }
  text
}

quoted <- function(x) {
  if (is.na(x)) return("null")
  paste0("\"", gsub("([\"\\\\])", "\\\\\\1", x), "\"")
}

scalar <- function(x) {
  if (is.factor(x)) x <- as.character(x)
  if (is.character(x)) return(quoted(x))
  if (is.logical(x)) return(if (is.na(x)) "null" else tolower(as.character(x)))
  number(as.numeric(x))
}

array_of <- function(items) paste0("[", paste(items, collapse = ", "), "]")

object_of <- function(x, indent) {
  inner <- paste0(indent, "  ")
  lines <- mapply(
    function(key, value) paste0(inner, quoted(key), ": ", json(value, inner)), names(x), x
  )
  paste0("{\n", paste(lines, collapse = ",\n"), "\n", indent, "}")
}

json <- function(x, indent = "") {
  if (is.null(x)) return("null")
  if (inherits(x, "vec")) return(array_of(vapply(x[[1]], scalar, "")))
  if (is.matrix(x)) return(array_of(apply(x, 1, function(row) array_of(vapply(row, scalar, "")))))
  if (is.list(x) && !is.null(names(x))) return(object_of(as.list(x), indent))
  if (is.list(x)) {
    inner <- paste0(indent, "  ")
    items <- paste0(inner, vapply(x, json, "", inner), collapse = ",\n")
    return(paste0("[\n", items, "\n", indent, "]"))
  }
  if (length(x) == 1) scalar(x) else json(vec(x))
}

write_json <- function(x, file) writeLines(json(x), file)
