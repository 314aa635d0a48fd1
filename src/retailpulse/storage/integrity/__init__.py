"""The invariants of the tables, their check, and their repair."""
