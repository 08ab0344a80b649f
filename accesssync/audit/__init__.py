"""What was done, in the order it was done: entries that hold each other, and the proof that they still do. Pure."""
