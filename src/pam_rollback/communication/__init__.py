"""Who is told of what, by which channel and when; and whether what the public is told is true."""

HEARD_BY_ALL = True
"""Its hooks are loaded by every session, and load what is behind them when they are called."""
