"""What a session leaves behind for people and machines."""
