"""How a run gets onto machines: commands as data, which are printed or run. Knows nothing of training."""
