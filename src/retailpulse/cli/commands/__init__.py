"""The commands: a file for each, or for each group of them."""
