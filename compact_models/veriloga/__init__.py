"""The Verilog-A compiler: one source becomes a circuit, array code, and readable equations.

The folder list is the pipeline:

    source → parse → tree → check → execute → hidden_state → equations → simplify → to_<target>

`compile` is the list of passes; `diagnostics` is how each of them says no.
"""
