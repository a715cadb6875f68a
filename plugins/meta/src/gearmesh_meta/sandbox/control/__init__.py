"""The control API under `/sandbox/`: phones, faults, the clock, and what there is to look at."""
