"""What servers recorded themselves: error rate, response times, memory.

It may touch the foundation, metrics of the product and of its hosts (``rollback/``), and ``observation/``, by whose
rules a series is judged.
"""

HEARD_BY_ALL = True
"""Its hooks are loaded by every session, and load what is behind them when they are called."""
