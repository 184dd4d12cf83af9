"""The ramp's journal on the disk."""
