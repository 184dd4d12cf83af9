"""What is rolled back: the environment (``environments/NAME.toml``) and the product's contract (``products/NAME.toml``).

Its clients ask the product itself; its rules are pure: they judge an answer that was captured before, and prove from a good answer that a
bad one would be noticed.
"""
