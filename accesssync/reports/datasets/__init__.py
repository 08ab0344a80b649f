"""What a report consists of: one module for each topic, a function for each dataset."""
