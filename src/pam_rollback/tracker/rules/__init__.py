"""What an incident says, and the marks by which it is found again."""
