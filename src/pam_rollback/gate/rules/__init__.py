"""What the gate goes by."""
