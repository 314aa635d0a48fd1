"""Builds the documents as a site of plain files: offline, strictly, without anything of another host."""
