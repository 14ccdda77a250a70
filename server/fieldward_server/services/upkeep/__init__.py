"""What operators and jobs do for the whole: restoring, pruning, watching."""
