"""Runs the real product on loopback: its front end's builds and its API, with the sandbox's stand-ins for everybody else.

The sandbox starts as ever, with its database, its Supabase, its hosts, faults and controls; what it would have built and started of the
product is left out, and the real thing put in its place. docs/reference/todays-product.md#run-the-real-one says what that needs.
"""
