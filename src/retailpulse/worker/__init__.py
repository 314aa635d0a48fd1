"""A worker: claims chunks, fetches and measures their images, settles the results, sweeps."""
