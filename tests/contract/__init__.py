"""The running service held to its own description, by schemathesis."""
