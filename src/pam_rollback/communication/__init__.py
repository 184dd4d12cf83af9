"""Who is told of what, by which channel and when; and whether what the public is told is true."""
