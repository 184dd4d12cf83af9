"""What looks mean, what a turn ends with, and what is still to be told: pure."""
