"""`retailpulse serve`: its child processes, kept alive, and whom they run as."""
