"""The contract's tables, and how an answer is held against them."""
