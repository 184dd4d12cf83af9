"""The plan's decision criteria, and the one recommendation that follows.

It may touch the foundation, and what criteria are about: ``integrity/``, ``observation/``, ``records/``. It changes nothing.
"""

HEARD_BY_ALL = True
"""Its hooks are loaded by every session, and load what is behind them when they are called."""
