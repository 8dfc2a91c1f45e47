"""Regression tests of tiles for pytest: SPICE against the behavioural model, and golden results.

    @pytest.mark.tile("tile.toml", tolerance=0.002)
    def test_model_follows_the_circuit(tile_regression):
        tile_regression.check()

`plugin` is what pytest loads, and imports nothing of the rest before a test asks for it; `settings`
is what a mark says; `regression` runs both sides; `difference` tells how far they are apart; `plot`
draws that; `goldens` keeps results as files.
"""

from typing import TYPE_CHECKING

from cosim.lazy import lazy_names


if TYPE_CHECKING:
    from cosim.testing.difference import Difference
    from cosim.testing.regression import TileRegression
    from cosim.testing.settings import TileSettings


__all__ = ["Difference", "TileRegression", "TileSettings"]
__getattr__ = lazy_names(
    __name__,
    {"Difference": "difference", "TileRegression": "regression", "TileSettings": "settings"},
)
