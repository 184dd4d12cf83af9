"""Acknowledged writes, and what became of each after the rollback."""
