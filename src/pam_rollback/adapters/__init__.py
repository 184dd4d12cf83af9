"""One outside thing per module."""
