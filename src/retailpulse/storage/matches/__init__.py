"""Photos that were handed in before: known photos, the search among them, and the matches that it finds."""
