"""The gate before re-deployment (``-m redeploy_gate``): the candidate's own tests, migrations and features, and the recorded incident.

Nothing else in the suite imports it, and without this folder the rest works. It may touch the plan, the environment, the
records of runs and their journal, flags, repository and hosts of ``rollback/``, the prober of ``probe/``, the schema of
``database/``, the states of ``decision/``, npm and a database. Its fixtures and hooks alone know the session.
"""
