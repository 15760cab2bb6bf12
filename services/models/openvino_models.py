"""From a model's folder to a compiled OpenVINO model: built from weights, or its export."""

from pathlib import Path

import openvino as ov
import openvino.opset15 as op
from openvino import Node

from services.errors import ModelUnavailable
from services.models import heads
from services.models.architecture import Architecture, read_architecture
from services.models.blending import read_blend
from services.models.folder import (
    ModelFolder,
    Recipe,
    read_languages,
    read_max_tokens,
    read_recipe,
)
from services.models.graph import Encoder, build_encoder, integers, model_of
from services.models.interaction import build_interaction
from services.models.openvino_bi_encoder import OpenVinoBiEncoder
from services.models.openvino_cross_encoder import OpenVinoCrossEncoder
from services.models.projection import TokenProjection, load_projection
from services.models.runtime import choose_precision, read_file
from services.models.tokenizing import ModelTokenizer
from services.models.weights import Weights, weight_files
from services.ports.models import ModelCard
from services.settings import Settings

_EXPORTS = ("openvino/openvino_model.xml", "onnx/model.onnx")
_POOLINGS = frozenset({"mean", "cls", "max"})
_DEFAULT_POSITIONS = 512


def can_run(folder: ModelFolder) -> bool:
    """Whether OpenVINO can run the model, built from its weights or exported."""
    buildable = read_architecture(folder.json("config.json")) is not None
    return (buildable and bool(weight_files(folder.path))) or _export(folder) is not None


def load_openvino_bi_encoder(folder: ModelFolder, settings: Settings) -> OpenVinoBiEncoder:
    """Build or read, compile, and wrap a bi-encoder; raises ModelUnavailable."""
    recipe = read_recipe(folder)
    if not recipe.plain or recipe.pooling not in _POOLINGS:
        raise ModelUnavailable(
            f"{folder.name} needs more than mean, cls or max pooling: install winnow[torch]."
        )
    architecture = read_architecture(folder.json("config.json"))
    if architecture is not None and weight_files(folder.path):
        encoder = build_encoder(architecture, _weights(folder), with_types=False)
    else:
        encoder = _read_encoder(folder)
    hidden = encoder.states.get_output_partial_shape(0)[2].get_length()
    projection = load_projection(folder, settings.token_dimensions, hidden)
    model = model_of(_outputs(encoder, recipe, projection), encoder.inputs, "bi-encoder")
    return OpenVinoBiEncoder(
        model,
        ModelTokenizer(folder.path),
        _card(folder, settings, architecture),
        recipe,
        projection,
        settings.threads,
    )


def load_openvino_cross_encoder(folder: ModelFolder, settings: Settings) -> OpenVinoCrossEncoder:
    """Build or read, compile, and wrap a cross-encoder; raises ModelUnavailable."""
    architecture = read_architecture(folder.json("config.json"))
    if architecture is not None and weight_files(folder.path):
        model = _build_classifier(folder, architecture)
    else:
        model = _read_export(folder)
    if model.outputs[0].get_partial_shape()[1] != 1:
        raise ModelUnavailable(
            f"{folder.name} does not give one score a pair: name a cross-encoder with one label."
        )
    card = _card(folder, settings, architecture)
    return OpenVinoCrossEncoder(model, ModelTokenizer(folder.path), card, settings.threads)


def _outputs(encoder: Encoder, recipe: Recipe, projection: TokenProjection | None) -> list[Node]:
    vectors = heads.pool(encoder.states, encoder.mask, recipe.pooling)
    if recipe.normalised:
        vectors = heads.normalise(vectors)
    if projection is None:
        return [vectors]
    return [vectors, heads.project(encoder.states, projection.matrix)]


def _build_classifier(folder: ModelFolder, architecture: Architecture) -> ov.Model:
    weights = _weights(folder)
    if architecture.crossing_layers:
        return build_interaction(architecture, weights)
    bert = architecture.family == "bert"
    if ("classifier.weight" if bert else "classifier.out_proj.weight") not in weights:
        raise ModelUnavailable(
            f"{folder.name} has no classification head: name a cross-encoder, not an encoder."
        )
    encoder = build_encoder(architecture, weights, with_types=bert)
    classify = heads.classify_bert if bert else heads.classify_roberta
    return model_of([classify(encoder.states, weights)], encoder.inputs, "cross-encoder")


def _weights(folder: ModelFolder) -> Weights:
    return Weights(weight_files(folder.path))


def _export(folder: ModelFolder) -> Path | None:
    files = (folder.path / export for export in _EXPORTS)
    return next((file for file in files if file.is_file()), None)


def _read_export(folder: ModelFolder) -> ov.Model:
    file = _export(folder)
    if file is None:
        kind = folder.json("config.json").get("model_type", "unknown")
        raise ModelUnavailable(
            f"{folder.name} is of the architecture {kind!r}, which Winnow runs in OpenVINO only "
            "from an exported file: install winnow[torch] to run it in torch."
        )
    return read_file(file)


def _read_encoder(folder: ModelFolder) -> Encoder:
    """An exported encoder up to its token states, so that pooling is built here."""
    model = _read_export(folder)
    ranked = [port for port in model.outputs if port.get_partial_shape().rank.get_length() == 3]
    masks = [node for node in model.get_parameters() if "attention_mask" in _names(node)]
    if not ranked or not masks:
        raise ModelUnavailable(
            f"The exported file of {folder.name} gives no token states: install winnow[torch]."
        )
    mask = op.unsqueeze(op.convert(masks[0], "f32"), integers(2))
    return Encoder(
        list(model.get_parameters()), mask, ranked[0].get_node().input_value(0).get_node()
    )


def _names(node: Node) -> set[str]:
    return {str(node.get_friendly_name()), *node.output(0).get_names()}


def _card(folder: ModelFolder, settings: Settings, architecture: Architecture | None) -> ModelCard:
    positions = architecture.positions if architecture else _DEFAULT_POSITIONS
    blend = read_blend(folder)
    return ModelCard(
        name=folder.name,
        revision=folder.revision,
        runtime="openvino",
        device="cpu",
        precision=choose_precision(settings.precision),
        max_tokens=read_max_tokens(folder, positions),
        languages=frozenset(settings.model_languages) or read_languages(folder),
        prior_scale=blend.prior_scale,
        asked_only=blend.asked_only,
    )
