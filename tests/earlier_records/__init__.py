"""Records that each kept version of the suite left, and the tests that a later one reads them."""
