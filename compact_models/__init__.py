"""Device level: Verilog-A compact models, their parameter cards, and the compiler."""
