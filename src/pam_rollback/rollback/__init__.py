"""Rolling back and undoing it: strategies as lists of steps, the engine that runs them, the providers that carry them out.

Alone among the topics it may change what a product runs on: hosts, flags, repository. It may touch the foundation, ``communication/`` (the
team is told), ``ledger/`` and ``observation/`` (what it is held to, and how a page asks), ``exposure/`` and ``integrity/`` (which users
exist), and ``sandbox/``, where it plants incidents.
"""

HEARD_BY_ALL = True
"""Its hooks are loaded by every session, and load what is behind them when they are called."""
