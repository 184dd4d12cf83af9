"""The staged re-deployment (``-m ramp``): users are let in step by step, watched, and taken back at a breach.

Nothing else in the suite imports it, and without this folder the rest works. It may touch the plan, the environment, the
records of runs (the gate's among them), the rollbacks by flags of ``rollback/``, and what users are watched by: ``probe/``,
``access/``, ``records/``. Its journal outlives sessions; whoever removes old runs reads it
as a record (``core/run_files.py``).
"""
