"""What an action did and what it owes, and how that is put back: written before and after each change, so that no kill loses it."""
