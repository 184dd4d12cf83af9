"""What pytest gets from each topic: its fixtures, and the hooks that it answers. The root ``conftest.py`` lists them."""
