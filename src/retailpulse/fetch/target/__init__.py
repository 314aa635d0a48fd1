"""The targets that may be asked: URLs, the SSRF policy on addresses, and DNS."""
