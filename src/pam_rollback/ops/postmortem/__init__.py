"""The post-mortem: the draft with the facts of a run filled in (``make incident``).

Nothing else in the suite imports it, and without this folder the rest works. It may touch the records of runs, the
environment, the timelines of ``probe/``, and the hosts of ``rollback/``. It has no fixtures; its hooks alone know the session.
"""
