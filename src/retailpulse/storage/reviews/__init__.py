"""What people decided on photos: written one after the other, kept for ever; the queue of what is left."""
