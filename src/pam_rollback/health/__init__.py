"""The product's health, by its contract."""
