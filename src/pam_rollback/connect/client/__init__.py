"""What is looked at (the product, its database, its hosts), and what is written (two files)."""
