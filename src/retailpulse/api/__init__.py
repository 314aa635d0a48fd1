"""The HTTP side: the three old endpoints, /api/v1, and health. It decides nothing about jobs itself."""
