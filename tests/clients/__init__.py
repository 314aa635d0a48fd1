"""Clients that others' generators make of the API's description, used against the running service."""
