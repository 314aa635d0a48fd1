"""Callbacks of jobs: dispatched to their receivers, signed, and tried again."""
