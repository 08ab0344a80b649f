"""Reports: read one published run, make datasets of it, and write them into a bundle that appears as a whole."""
