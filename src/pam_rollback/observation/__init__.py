"""What users see: the open-loop prober, its timeline, recovery times and windows.

It may touch the foundation, the product from processes of its own, and ``records/`` (memory; who else was turned away).
"""

HEARD_BY_ALL = True
"""Its hooks are loaded by every session, and load what is behind them when they are called."""
