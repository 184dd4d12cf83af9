"""What is outside: the journal of a watch (``files``)."""
