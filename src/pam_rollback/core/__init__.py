"""The rules of the suite: pure, no input or output."""
