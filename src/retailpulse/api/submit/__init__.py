"""Reads the request of a submit, as JSON or as rows, and hands the job over."""
