args <- commandArgs(trailingOnly = TRUE)
connection <- url(args[1], headers = c(Authorization = paste("Bearer", args[2])))
writeLines(readLines(connection, warn = FALSE))
