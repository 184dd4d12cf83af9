"""Are people and paperwork ready (``-m readiness``)? Drills, the runbook, who is on call, and post-mortems, by records and calendars.

Nothing else in the suite imports it, and without this folder the rest works. It may touch the plan, the environment and the
records of runs (as files); its hooks alone know the session.
"""
