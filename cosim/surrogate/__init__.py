"""Surrogates: fitted stand-ins for a tile, at matrix-product speed, with a certificate of error."""

from cosim.surrogate.accuracy import Accuracy, accuracy, accuracy_of
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
from cosim.surrogate.outside import Outside, OutsideSamples, outside_domain
from cosim.surrogate.series_resistance import SeriesResistance
from cosim.surrogate.store import StoredSurrogate, load, save
from cosim.surrogate.wire_kernels import WireResistances


__all__ = [
    "Accuracy",
    "AlphaBeta",
    "CellPolynomial",
    "CellRange",
    "Certificate",
    "Compared",
    "Domain",
    "DomainReport",
    "Fit",
    "FitSettings",
    "IdealProduct",
    "LineModeFields",
    "LineModeGalerkin",
    "Operator",
    "Outside",
    "OutsideSamples",
    "Provenance",
    "SeriesResistance",
    "StoredSurrogate",
    "Surrogate",
    "TileSamples",
    "WireResistances",
    "accuracy",
    "accuracy_of",
    "certify",
    "compare",
    "conformal_bound",
    "corrected",
    "domain_of",
    "fit",
    "load",
    "outside_domain",
    "pareto_front",
    "recommended_modes",
    "save",
]
