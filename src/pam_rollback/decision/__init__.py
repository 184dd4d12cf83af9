"""The plan's decision criteria, and the one recommendation that follows."""
