"""Where a request may go: URLs, the SSRF policy on addresses, and DNS."""
