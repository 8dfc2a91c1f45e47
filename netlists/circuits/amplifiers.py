"""The operational amplifiers to choose from, by their `kind`, in whatever is built around one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from netlists.circuits.opamp import OpAmp
from netlists.circuits.two_stage_opamp import TwoStageOpAmp


Amplifier = Annotated[OpAmp | TwoStageOpAmp, Field(discriminator="kind")]
