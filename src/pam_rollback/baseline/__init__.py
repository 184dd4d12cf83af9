"""How it was before: recorded part by part, so that later sessions can compare."""

HEARD_BY_ALL = True
"""Its hooks are loaded by every session, and load what is behind them when they are called."""
