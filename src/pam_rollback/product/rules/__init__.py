"""The contract's tables, how an answer is held against them, and the red twins that prove it."""
