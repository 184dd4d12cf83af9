"""The rollback strategies as lists of steps over core's protocols, with a journal and an undo for each change."""
