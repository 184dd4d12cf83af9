"""Which fault turns which check red: a module for each kind of check, and the table that people read."""
