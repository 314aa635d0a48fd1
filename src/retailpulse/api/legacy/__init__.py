"""The three old endpoints, kept exactly as their clients know them."""
