"""`make soak`: the whole service under random faults for as long as wanted, and whether all promises held.

A job's plan and the origin are in `plans` and `origin`, the client in `load`, the processes in `stage`, what
breaks them in `faults`, what is checked in `checks` and `watch`; `run` puts them together.
"""
