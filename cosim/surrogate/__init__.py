"""Surrogates: fitted stand-ins for a tile, at matrix-product speed, with a certificate of error."""

from cosim.surrogate.accuracy import Accuracy, accuracy, accuracy_of
from cosim.surrogate.active import ActiveSettings, disagreement, grow, next_samples
from cosim.surrogate.ageing import Aged
from cosim.surrogate.alpha_beta import AlphaBeta
from cosim.surrogate.base import Operator, Surrogate
from cosim.surrogate.cell_polynomial import CellPolynomial, CellRange
from cosim.surrogate.certificate import Certificate, Provenance, certify, conformal_bound
from cosim.surrogate.comparison import Compared, compare, pareto_front
from cosim.surrogate.dataset import TileSamples
from cosim.surrogate.domain import Domain, DomainReport
from cosim.surrogate.fit import Fit, FitSettings, fit
from cosim.surrogate.ideal import IdealProduct
from cosim.surrogate.known_weights import corrected
from cosim.surrogate.line_mode_fields import LineModeFields
from cosim.surrogate.line_mode_galerkin import LineModeGalerkin, domain_of, recommended_modes
from cosim.surrogate.low_rank import LowRank, fit_low_rank
from cosim.surrogate.outside import Outside, OutsideSamples, outside_domain
from cosim.surrogate.policy import (
    DomainWarning,
    Guarded,
    OutsideDomainError,
    count_by_layer,
    counts_table,
    domain_counts,
)
from cosim.surrogate.series_resistance import SeriesResistance
from cosim.surrogate.small_network import SmallNetwork, fit_small_network
from cosim.surrogate.store import StoredSurrogate, load, save
from cosim.surrogate.temperature import TemperatureTable
from cosim.surrogate.tile_certificate import TileCertificate
from cosim.surrogate.tile_fit import TileFit, fit_tile
from cosim.surrogate.tile_model import TileModel
from cosim.surrogate.wire_kernels import WireResistances


__all__ = [
    "Accuracy",
    "ActiveSettings",
    "Aged",
    "AlphaBeta",
    "CellPolynomial",
    "CellRange",
    "Certificate",
    "Compared",
    "Domain",
    "DomainReport",
    "DomainWarning",
    "Fit",
    "FitSettings",
    "Guarded",
    "IdealProduct",
    "LineModeFields",
    "LineModeGalerkin",
    "LowRank",
    "Operator",
    "Outside",
    "OutsideDomainError",
    "OutsideSamples",
    "Provenance",
    "SeriesResistance",
    "SmallNetwork",
    "StoredSurrogate",
    "Surrogate",
    "TemperatureTable",
    "TileCertificate",
    "TileFit",
    "TileModel",
    "TileSamples",
    "WireResistances",
    "accuracy",
    "accuracy_of",
    "certify",
    "compare",
    "conformal_bound",
    "corrected",
    "count_by_layer",
    "counts_table",
    "disagreement",
    "domain_counts",
    "domain_of",
    "fit",
    "fit_low_rank",
    "fit_small_network",
    "fit_tile",
    "grow",
    "load",
    "next_samples",
    "outside_domain",
    "pareto_front",
    "recommended_modes",
    "save",
]
