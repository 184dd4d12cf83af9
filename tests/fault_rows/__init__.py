"""Which fault turns which check red, one module for each kind of check."""
