"""The watch (``-m watch``): decision criteria looked at over and over, and an incident opened once, kept up to date and closed.

Nothing else in the suite imports it, and without this folder the rest works. It may touch the plan, the environment, the
prober of ``probe/``, the recommendation of ``decision/``, the team's channel of ``notify/``, the front page of ``probe/``,
and memory of ``records/``; its fixtures and hooks alone know the session. Listeners to the suite's hooks are told
of an incident, too. Its journal outlives sessions, so that the next turn tells nothing twice.
"""
