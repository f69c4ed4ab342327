"""The command line: ``statdl fit lm "mpg ~ wt" cars.csv``."""
