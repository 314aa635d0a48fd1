"""What pages of the dashboard cost where there are millions of results: server time and buffers."""
