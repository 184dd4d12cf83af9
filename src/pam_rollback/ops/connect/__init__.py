"""A product is looked at, and its environment is written (``make connect``); and what of the plan can be judged there (``-m doctor``).

Nothing else in the suite imports it, and without this folder the rest works. It may touch the plan, environments, contracts
of products, and ``probe/`` (refusals, journeys). It writes ``environments/NAME.toml`` and no secret, only names of variables. Its
hooks alone know the session.
"""
