"""Studies that reproduce published work: networks, specifications, tables that can be resumed."""

from cosim.studies.bounds import Bounds, bounds_table
from cosim.studies.device_variation import DeviceVariation, DeviceVariationStudy
from cosim.studies.drift_aware import DriftAware, DriftAwareStudy
from cosim.studies.inaccurate_devices import InaccurateDevices, InaccurateDevicesStudy
from cosim.studies.networks import lenet5, multilayer_perceptron, small_cnn, small_vgg
from cosim.studies.rows import Rows
from cosim.studies.rram_levels import RramLevels, RramLevelsStudy
from cosim.studies.script import finished, options, table_of
from cosim.studies.spec import PublishedFigure, StudyBase
from cosim.studies.weak_reset import WeakResetArms, WeakResetStudy


__all__ = [
    "Bounds",
    "DeviceVariation",
    "DeviceVariationStudy",
    "DriftAware",
    "DriftAwareStudy",
    "InaccurateDevices",
    "InaccurateDevicesStudy",
    "PublishedFigure",
    "Rows",
    "RramLevels",
    "RramLevelsStudy",
    "StudyBase",
    "WeakResetArms",
    "WeakResetStudy",
    "bounds_table",
    "finished",
    "lenet5",
    "multilayer_perceptron",
    "options",
    "small_cnn",
    "small_vgg",
    "table_of",
]
