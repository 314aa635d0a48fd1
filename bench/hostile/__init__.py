"""Good photos beside hosts that misbehave: what do the good ones lose?"""
