"""Are people, credentials and paperwork ready (``-m readiness``)? What on-call can rely on tonight, by records and schedules.

A leaf slice: nothing else in the suite imports it, and without this folder the rest works. It may touch the plan, the environment, the
records of runs, ramp and watch (as files), the prober of ``observation/`` and the hosts of ``rollback/``; its fixtures and hooks alone know
the session.
"""

LOADED_FOR = frozenset({"readiness", "doctor"})
"""The markers of ``-m`` for which a session loads its fixtures and hooks: doctor hears by them what is not configured."""
