"""The command line: one file per command, nothing but arguments, progress and printing."""
