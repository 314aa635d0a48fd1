"""`retailpulse serve`: its child processes, kept alive, and the user that they run as."""
