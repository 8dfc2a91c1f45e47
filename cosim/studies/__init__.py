"""Studies that reproduce published work: networks, specifications, tables that can be resumed."""

from cosim.studies.bounds import Bounds, BoundsStudy
from cosim.studies.device_variation import DeviceVariation, DeviceVariationStudy
from cosim.studies.drift_aware import DriftAware, DriftAwareStudy
from cosim.studies.inaccurate_devices import InaccurateDevices, InaccurateDevicesStudy
from cosim.studies.networks import lenet5, multilayer_perceptron, small_cnn, small_vgg
from cosim.studies.rows import Rows
from cosim.studies.rram_levels import RramLevels, RramLevelsStudy
from cosim.studies.script import concluded
from cosim.studies.spec import ImageStudy, PublishedFigure, StudyBase
from cosim.studies.weak_reset import WeakResetArms, WeakResetStudy


__all__ = [
    "Bounds",
    "BoundsStudy",
    "DeviceVariation",
    "DeviceVariationStudy",
    "DriftAware",
    "DriftAwareStudy",
    "ImageStudy",
    "InaccurateDevices",
    "InaccurateDevicesStudy",
    "PublishedFigure",
    "Rows",
    "RramLevels",
    "RramLevelsStudy",
    "StudyBase",
    "WeakResetArms",
    "WeakResetStudy",
    "concluded",
    "lenet5",
    "multilayer_perceptron",
    "small_cnn",
    "small_vgg",
]
