"""What a product promises, as data: ``products/NAME.toml``, read into a typed contract; an environment names the one that runs there.

It may touch the product itself, by ``outside/``, and of ours ``base/``, the flags of ``plan/`` and the tables of ``environment/``. It knows
no topic, and every topic may read it. Its rules are pure: they judge an answer that somebody else has captured, and prove from a good one
that a bad one would be noticed.
"""
