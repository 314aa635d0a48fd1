"""The documents as a site: built strictly and offline, whole, and of this machine alone."""
