"""The two standard headers, so that `include "constants.vams" needs no file on disk.

Only the names and values that models use are here. The physical constants have the rounded values
(CODATA 1998) of the language reference manual, which the published fits of models assume.
"""

from __future__ import annotations

import re


CONSTANTS = """
`ifndef CONSTANTS_VAMS
`define CONSTANTS_VAMS 1
`define M_E 2.7182818284590452354
`define M_LOG2E 1.4426950408889634074
`define M_LOG10E 0.43429448190325182765
`define M_LN2 0.69314718055994530942
`define M_LN10 2.30258509299404568402
`define M_PI 3.14159265358979323846
`define M_TWO_PI 6.28318530717958647693
`define M_PI_2 1.57079632679489661923
`define M_PI_4 0.78539816339744830962
`define M_1_PI 0.31830988618379067154
`define M_2_PI 0.63661977236758134308
`define M_2_SQRTPI 1.12837916709551257390
`define M_SQRT2 1.41421356237309504880
`define M_SQRT1_2 0.70710678118654752440
`define P_Q 1.602176462e-19
`define P_C 2.99792458e8
`define P_K 1.3806503e-23
`define P_H 6.62606876e-34
`define P_EPS0 8.854187817620e-12
`define P_U0 (4.0e-7 * `M_PI)
`define P_CELSIUS0 273.15
`endif
"""

DISCIPLINES = """
`ifndef DISCIPLINES_VAMS
`define DISCIPLINES_VAMS 1
nature Current; units = "A"; access = I; abstol = 1e-12; endnature
nature Charge; units = "coul"; access = Q; abstol = 1e-14; endnature
nature Voltage; units = "V"; access = V; abstol = 1e-6; endnature
nature Flux; units = "Wb"; access = Phi; abstol = 1e-9; endnature
nature Magneto_Motive_Force; units = "A*turn"; access = MMF; abstol = 1e-12; endnature
nature Temperature; units = "K"; access = Temp; abstol = 1e-4; endnature
nature Power; units = "W"; access = Pwr; abstol = 1e-9; endnature
nature Position; units = "m"; access = Pos; abstol = 1e-6; endnature
nature Velocity; units = "m/s"; access = Vel; abstol = 1e-6; endnature
nature Force; units = "n"; access = F; abstol = 1e-6; endnature
nature Angle; units = "rads"; access = Theta; abstol = 1e-6; endnature
nature Angular_Force; units = "n/m"; access = Tau; abstol = 1e-6; endnature
discipline electrical; potential Voltage; flow Current; enddiscipline
discipline voltage; potential Voltage; enddiscipline
discipline current; flow Current; enddiscipline
discipline magnetic; potential Magneto_Motive_Force; flow Flux; enddiscipline
discipline thermal; potential Temperature; flow Power; enddiscipline
discipline kinematic; potential Position; flow Force; enddiscipline
discipline kinematic_v; potential Velocity; flow Force; enddiscipline
discipline rotational; potential Angle; flow Angular_Force; enddiscipline
`endif
"""

BUILT_IN_HEADERS: dict[str, str] = {
    "constants": CONSTANTS,
    "disciplines": DISCIPLINES,
    "discipline": DISCIPLINES,
}
STANDARD_CONSTANTS = dict(re.findall(r"^`define ([MP]_\w+) (.+)$", CONSTANTS, re.MULTILINE))
"""The constants by name: no other meaning of these names is known."""
