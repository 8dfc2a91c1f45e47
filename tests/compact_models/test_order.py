"""What is written depends on the source alone, not on what the process compiled before."""

import json
import subprocess
import sys
from pathlib import Path


CORPUS = Path(__file__).parent / "corpus"
WRITE = """
import json, sys
from compact_models import compile_source
texts = {}
for path in sys.argv[1:]:
    model = compile_source(path)
    texts[path] = [model.equations_text(), model.to_ngspice(), model.to_numba().source]
print(json.dumps(texts))
"""


def texts(paths):
    done = subprocess.run(
        [sys.executable, "-c", WRITE, *map(str, paths)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_text_of_a_model_is_the_same_whatever_was_compiled_before():
    names = ["self_heating", "named_branches", "step_team", "mathematics", "newton_loop"]
    paths = [CORPUS / f"{name}.va" for name in names]
    forth, back = texts(paths), texts(paths[::-1])
    assert len(forth) == len(names)
    assert forth == back
