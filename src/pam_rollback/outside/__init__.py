"""How the world outside is reached: HTTP, a provider, programs, PostgreSQL, files that survive a crash. It knows no topic."""
