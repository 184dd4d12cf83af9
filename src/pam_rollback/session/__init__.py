"""What pytest loads: options, markers, situations, guard, fixtures, exit codes and the verdict.

Each part is a small pytest plugin of its own. All of them keep quiet when pytest runs the suite's own tests (``tests/``).

It may touch pytest, the whole foundation, and ``sandbox/``, which it starts. It knows no topic: topics listen to its hooks
(``hookspecs.py``).
"""
