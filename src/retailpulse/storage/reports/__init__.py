"""Sums over visits and their images, window by window."""
