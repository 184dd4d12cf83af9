"""The rollback strategies as lists of steps."""
