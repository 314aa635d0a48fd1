"""The words of the field: jobs, images, stores and their errors.

Nothing here does I/O or imports another room.
"""
