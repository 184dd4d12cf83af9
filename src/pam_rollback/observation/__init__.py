"""What users see: the open-loop prober, its timeline, the memory of the process, recovery times and windows.

It may touch the foundation, and the product from processes of its own.
"""

HEARD_BY_ALL = True
"""Its hooks are loaded by every session, and load what is behind them when they are called."""
