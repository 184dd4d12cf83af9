"""What is kept, what is dropped, and how two machines' accounts of one thing become one. Pure."""
