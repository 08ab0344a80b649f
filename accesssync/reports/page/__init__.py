"""The page: one file that people read in a browser and print, made from datasets and the block and nothing else."""
