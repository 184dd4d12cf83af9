"""Alerting rules: written from the plan for an environment's Prometheus (``make alerts``), and looked after there (``-m readiness``).

Nothing else in the suite imports it, and without this folder the rest works. It may touch the plan, the environment, recorded
baselines, the client of Prometheus in ``records/`` and which strategies ``decision/`` recommends; it knows nothing of the session.
"""
