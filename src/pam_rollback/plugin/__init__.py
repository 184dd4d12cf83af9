"""What pytest loads: options, markers, situations, guard, fixtures, exit codes and the verdict.

Each module is a small pytest plug-in. All of them keep quiet when pytest runs the suite's own tests (``tests/``).
"""
