"""Deliveries of webhooks (callbacks) and the secrets that sign them."""
