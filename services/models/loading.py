"""Loads the models that the settings name, with the runtime that fits the machine.

Runtimes are imported where they are chosen: OpenVINO takes a fifth of a second to import,
torch several.
"""

from services.models.architecture import INTERACTION
from services.models.finding import find_model
from services.models.folder import ModelFolder
from services.models.hashing import HashingBiEncoder, is_hashing
from services.models.overlap import OVERLAP, OverlapCrossEncoder
from services.models.torch_device import cuda_device, torch_installed
from services.ports.models import BiEncoder, CrossEncoder
from services.settings import Settings


def load_bi_encoder(settings: Settings) -> BiEncoder:
    """The bi-encoder that ``settings.bi_encoder`` names.

    Raises:
        ModelUnavailable: no weights to be had, with what was tried, or none that a
            runtime here can run.
        InvalidInput: ``token_dimensions`` is more than the model's projection has.
    """
    if is_hashing(settings.bi_encoder):
        return HashingBiEncoder(
            settings.bi_encoder,
            token_dimensions=settings.token_dimensions or 0,
            languages=frozenset(settings.model_languages),
        )
    folder = find_model(settings.bi_encoder, settings)
    device = _torch_device(folder)
    if device:
        from services.models.torch_bi_encoder import load_torch_bi_encoder

        return load_torch_bi_encoder(folder, settings, device)
    from services.models.openvino_models import load_openvino_bi_encoder

    return load_openvino_bi_encoder(folder, settings)


def load_cross_encoder(settings: Settings) -> CrossEncoder:
    """The cross-encoder that ``settings.cross_encoder`` names; raises ModelUnavailable."""
    if settings.cross_encoder == OVERLAP:
        return OverlapCrossEncoder(frozenset(settings.model_languages))
    folder = find_model(settings.cross_encoder, settings)
    device = _torch_device(folder)
    if device:
        from services.models.torch_cross_encoder import load_torch_cross_encoder

        return load_torch_cross_encoder(folder, settings, device)
    from services.models.openvino_models import load_openvino_cross_encoder

    return load_openvino_cross_encoder(folder, settings)


def _torch_device(folder: ModelFolder) -> str:
    """Where torch runs the model: a GPU, or a CPU for what OpenVINO cannot run; else "".

    Interaction cross-encoders are small and Winnow's own: OpenVINO runs them everywhere.
    """
    if INTERACTION in folder.json("config.json"):
        return ""
    device = cuda_device()
    if device or not torch_installed():
        return device
    from services.models.openvino_models import can_run

    return "" if can_run(folder) else "cpu"
