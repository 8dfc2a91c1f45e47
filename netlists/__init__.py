"""Circuit level: specifications of cells, crossbars and tiles, and the SPICE text they become."""
