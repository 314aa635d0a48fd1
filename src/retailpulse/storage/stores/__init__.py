"""The store master, loaded and searched, and the visits of its stores."""
