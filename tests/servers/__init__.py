"""Real servers for tests, started on this machine without root and without Docker."""
