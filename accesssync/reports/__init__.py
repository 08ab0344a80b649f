"""What a governance review reads: datasets, and the files they are written to. Pure."""
