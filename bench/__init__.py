"""Measures how many images a second the service settles, beside what the same machine could do at most.

Run it as `python -m bench`; it needs nothing but the checkout, and is not part of the installed package.
"""
