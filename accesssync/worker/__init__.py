"""The long-running worker: when each job is due, who does it, how it is watched and how it ends."""
