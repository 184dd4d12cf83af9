"""Are the rules held by their tests? Each line is changed in turn, and some test has to fail: ``make mutants``."""
