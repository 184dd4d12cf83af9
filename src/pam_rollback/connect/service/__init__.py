"""The look at a product, and the file that comes of it."""
