"""What a report shows at a glance, counted from the rows of its datasets, so that no figure can contradict a table."""
