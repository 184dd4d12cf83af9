"""Rolling back and undoing it: strategies as lists of steps, the engine that runs them, the providers that carry them out."""

HEARD_BY_ALL = True
"""Its hooks are loaded by every session, and load what is behind them when they are called."""
