"""Alerting rules: written from the plan for an environment's Prometheus (``make alerts``), and looked after there (``-m readiness``).

A leaf slice: nothing else in the suite imports it, and without this folder the rest works. It may touch the plan, the environment, recorded
baselines and the client of Prometheus; its fixtures alone know the session.
"""

LOADED_FOR = frozenset({"readiness"})
"""The markers of ``-m`` for which a session loads its fixtures."""
