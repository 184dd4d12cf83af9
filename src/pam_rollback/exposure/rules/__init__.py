"""Rules: pure, with no input or output."""
