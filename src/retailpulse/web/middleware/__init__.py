"""What happens to a request before its handler is reached, each step a file."""
