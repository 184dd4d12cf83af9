"""GitHub, where a protected main takes pull requests only."""
