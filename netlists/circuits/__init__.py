"""Circuit blocks of a memory-array macro, each a generator that reads like its schematic."""
