"""Stand-ins for the services that the product runs on, true to their contracts as far as the suite uses them."""
