"""Drills side by side (``make drills``): each story in a session and on a sandbox of its own, several at once.

Nothing else in the suite imports it, and without this folder the rest works. It may touch the stories of ``plan/`` and the
records of runs.
"""
