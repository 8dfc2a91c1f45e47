"""What an access function reads is decided by the discipline of its nets."""

import numpy as np
import pytest

from compact_models import compile_text


OLD_HEADER = """
nature Current units = "A"; access = I; abstol = 1e-12; endnature
nature Voltage units = "V"; access = V; abstol = 1e-6; endnature
nature Level units = "1"; access = Lev; abstol = 1e-6; endnature
discipline electrical potential Voltage; flow Current; enddiscipline
discipline voltage potential Voltage; enddiscipline
discipline current potential Current; enddiscipline
discipline level potential Level; flow Current; enddiscipline
"""
ORDERS = {
    "signal flow last": OLD_HEADER,
    "signal flow first": "\n".join(
        sorted(OLD_HEADER.splitlines(), key=lambda line: ("discipline" in line, line))
    )
    + "\n",
}


@pytest.mark.parametrize("header", ORDERS.values(), ids=ORDERS)
def test_a_current_is_a_flow_although_another_discipline_has_it_as_potential(
    header, operating_points
):
    model = compile_text(
        header + "module m(a, b);\ninout a, b;\nelectrical a, b, c;\nbranch (a, c) series;\n"
        "analog begin I(series) <+ 2e-3 * V(series); I(c, b) <+ 1e-3 * V(c, b)"
        " + 0.5 * I(series); end\nendmodule\n"
    )
    assert not any(b.potential_when.number for b in model.system.branches)
    points = [(0.4, 0.0), (-0.2, 0.3)]
    spice = operating_points(model.to_ngspice(), "m", model.ports, points)
    # 2e-3 (a - c) = 1e-3 (c - b) + 1e-3 (a - c), so that c is halfway between a and b.
    current = np.array([1e-3 * (a - b) for a, b in points])
    np.testing.assert_allclose(spice, np.stack([current, -current], axis=1), rtol=1e-9)


def test_on_a_net_whose_potential_is_a_current_it_is_a_potential():
    model = compile_text(
        OLD_HEADER + "module m(a, s);\ninout a;\noutput s;\nelectrical a;\ncurrent s;\n"
        "analog begin I(a) <+ 1e-3 * V(a); I(s) <+ 1e-3 * V(a); end\nendmodule\n"
    )
    kinds = {b.high: bool(b.potential_when.number) for b in model.system.branches}
    assert kinds == {"a": False, "s": True}


def test_a_flow_that_two_disciplines_share_is_one_on_both():
    model = compile_text(
        OLD_HEADER + "module m(a, x);\ninout a, x;\nelectrical a;\nlevel x;\n"
        "analog begin I(a) <+ 1e-3 * Lev(x) * V(a); I(x) <+ 1e-6 * Lev(x); end\nendmodule\n"
    )
    assert not any(b.potential_when.number for b in model.system.branches)
