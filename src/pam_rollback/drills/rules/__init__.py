"""How many drills run at once, and which are run again. Pure."""
