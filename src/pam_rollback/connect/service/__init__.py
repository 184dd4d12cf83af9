"""From addresses to what a product is, and from that to its files."""
