"""What looks mean, whose turn it is, and what is still to be told: pure."""
