"""Steps, journal, undo, locks and settling: the same for every strategy."""
