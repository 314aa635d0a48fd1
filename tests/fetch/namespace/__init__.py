"""A small internet of our own: a network namespace with public addresses, a name server and web servers."""
