"""Where a session works: the environment's file, its tables and what they allow. Pure, apart from reading the file."""
