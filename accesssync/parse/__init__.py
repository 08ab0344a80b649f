"""Read what people wrote, YAML and CSV: strictly, by line, and with every complaint at once."""
