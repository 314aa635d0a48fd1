"""Damage that decoders pass: how much of it is found, and what looking for it costs."""
