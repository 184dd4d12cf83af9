"""The rollback plan as data: ``plan.toml``, its items and terms.

Pure. It may touch ``core/`` only.
"""
