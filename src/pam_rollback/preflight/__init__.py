"""Could we roll back right now? Each strategy is a list of questions."""

HEARD_BY_ALL = True
"""Its hooks are loaded by every session, and load what is behind them when they are called."""
