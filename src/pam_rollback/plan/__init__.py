"""The rollback plan as data: ``plan.toml``, its items and terms. Pure."""
