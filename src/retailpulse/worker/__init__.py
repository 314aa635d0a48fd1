"""A worker: claims images, fetches and measures their images, settles the results, sweeps."""
