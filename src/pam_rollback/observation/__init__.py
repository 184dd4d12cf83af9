"""What users see: the open-loop prober, its timeline, recovery times and windows."""

HEARD_BY_ALL = True
"""Its hooks are loaded by every session, and load what is behind them when they are called."""
