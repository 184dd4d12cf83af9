"""The plan's decision criteria with the one recommendation that follows, and the preflight."""
