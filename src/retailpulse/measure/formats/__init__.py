"""The formats: telling one from the first bytes, and for each its size and its end."""
