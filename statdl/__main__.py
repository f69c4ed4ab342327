"""``python -m statdl``: the program, where it is not on the path."""

from statdl.cli.program import main

if __name__ == "__main__":
    main()
