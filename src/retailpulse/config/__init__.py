"""Every setting of the program: declared in `settings`, read by `loading`."""
