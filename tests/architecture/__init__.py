"""The house rules as tests: imports, public names, sizes, docstrings."""
