"""The processes that measure and decode: a pool of them, forked from one that has loaded every library."""
