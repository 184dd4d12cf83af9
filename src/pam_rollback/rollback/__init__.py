"""Rolling back and undoing it: strategies as lists of steps, the engine that runs them, the providers that carry them out.

Alone among the topics it may change what a product runs on: hosts, flags, repository. It may touch the foundation, ``communication/`` (the
team is told), ``ledger/`` and ``observation/`` (what it is held to, and how a page asks), ``exposure/`` and ``integrity/`` (which users
exist, which migrations a target has to live with), and ``sandbox/``, where it plants incidents.
"""
