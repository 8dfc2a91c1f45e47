"""A structured nonlinear DC solver for tiles: the same circuit as ngspice, from the same models.

| module | what it holds |
|---|---|
| `simd`, `elementary` | vectors of sixteen lines, functions that vectorise |
| `ladder` | exact solution of single lines |
| `krylov` | the linear step over all lines |
| `evaluate`, `newton`, `samples` | cells, Newton's method, the loop over samples |
| `cell_source`, `cells`, `circuit` | what stands at the crosspoints, and the wires around |
| `solve` | batches, threads, statuses |
"""
