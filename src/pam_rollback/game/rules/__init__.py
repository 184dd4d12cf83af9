"""What can go wrong on a game day, how a game is scored, and how that is told. Pure."""
