"""What a ramp goes by: its state, what is due, and what users have."""
