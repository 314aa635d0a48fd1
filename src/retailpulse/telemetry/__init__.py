"""Names and numbers of what is measured, for every room; no I/O."""
