"""What servers recorded themselves: error rate, response times, memory."""

HEARD_BY_ALL = True
"""Its hooks are loaded by every session, and load what is behind them when they are called."""
