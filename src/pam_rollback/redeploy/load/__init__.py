"""The load test of a candidate, and the stable release beside it: what is asked, by Locust in a process of its own, and what it shows.

Nothing else in the suite imports it, and without this folder the rest works; the gate then says that load was not judged. It
may touch the plan, the environment, the catalogue and the blocks of ``probe/``, and in ``rollback/`` what tells
releases apart where none is named. ``load/locustfile.py`` runs its ``recording``, without pytest. Its fixtures are in
``load/conftest.py``.
"""
