"""The rules that an environment is to have, and what its Prometheus has of them."""
