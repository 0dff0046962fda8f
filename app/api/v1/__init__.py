"""Version 1: one file per noun; endpoint bodies of a few lines."""
