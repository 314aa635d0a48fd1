"""Results: written exactly once, and read page by page."""
