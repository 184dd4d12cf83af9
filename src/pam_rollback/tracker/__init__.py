"""Incidents in an issue tracker: one issue each, found again from any machine, closed when they are over.

A leaf slice: nothing else in the suite imports it, and without this folder the rest works, with a person's word for PRE-4. It may touch the
environment, the record of a run, and GitHub's folder in ``rollback/providers/``. Its hooks alone know the session: what they do is done
beside it, and nothing that the tracker answers stops or changes a rollback or a verdict.
"""
