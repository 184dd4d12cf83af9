"""What is asked of whom and when, what was recorded, and what that shows."""
