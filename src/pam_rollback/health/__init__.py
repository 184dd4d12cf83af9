"""The product's health, by its contract.

It may touch the foundation, the product's endpoints, and ``observation/``: being blocked is no outage.
"""
