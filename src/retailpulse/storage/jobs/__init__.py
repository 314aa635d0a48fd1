"""The rows of jobs: written, read, ended, retried, pruned."""
