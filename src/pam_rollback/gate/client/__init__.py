"""What the gate asks: npm, and the copy of the database."""
