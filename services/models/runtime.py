"""OpenVINO on a CPU: precision, threads, streams, and one InferRequest for each thread."""

import os
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from services.errors import ModelUnavailable


@cache
def core() -> ov.Core:
    """The one OpenVINO core of a process."""
    return ov.Core()


def choose_precision(wanted: str) -> str:
    """The precision wanted; for "auto" bf16 where the processor computes in it, else fp32."""
    if wanted != "auto":
        return wanted
    capabilities = core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in capabilities else "fp32"


def streams_of(threads: int) -> int:
    """How many passes best share the threads (0: every core) where throughput counts: two.

    Threads of one pass wait for each other at every step; whatever else takes a core holds
    all of them up. Of two passes it holds up one, and while one reads or writes its texts
    the other computes.
    """
    return min(2, threads or os.cpu_count() or 1)


class CompiledGraph:
    """A compiled model. Thread-safe: a request that two threads share raises "busy"."""

    def __init__(self, model: ov.Model, precision: str, threads: int, streams: int = 0) -> None:
        """Compile.

        Args:
            threads: that compute, 0 for as many as there are cores.
            streams: passes that share the threads at any time; 0: every thread works on
                whichever pass there is, so that each is over soonest.

        Raises:
            ModelUnavailable: OpenVINO cannot compile it.
        """
        hints: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            # Cores are shared, with other graphs of this process too: a thread that may run
            # on one core alone waits for it while another is free.
            "ENABLE_CPU_PINNING": False,
        }
        if streams:
            hints["NUM_STREAMS"] = streams
        else:
            hints["PERFORMANCE_HINT"] = "LATENCY"
        if threads:
            hints["INFERENCE_NUM_THREADS"] = threads
        try:
            self._compiled = core().compile_model(model, "CPU", hints)
        except RuntimeError as error:
            raise ModelUnavailable(
                f"OpenVINO cannot compile this model ({str(error).splitlines()[0]}): "
                "install winnow[torch] to run it in torch."
            ) from error
        self._inputs = [_name(port) for port in model.inputs]
        self._thread = threading.local()

    def run(self, values: Mapping[str, NDArray[np.int32]]) -> Sequence[NDArray[np.float32]]:
        """Run once.

        Args:
            values: inputs by name; names that the graph lacks are left out.

        Returns:
            the outputs in order, copied, so that the next run does not overwrite them.
        """
        request: ov.InferRequest | None = getattr(self._thread, "request", None)
        if request is None:
            request = self._thread.request = self._compiled.create_infer_request()
        request.infer([values[name] for name in self._inputs], share_inputs=True)
        return [
            np.array(request.get_output_tensor(index).data, np.float32)
            for index in range(len(self._compiled.outputs))
        ]


def read_file(file: Path) -> ov.Model:
    """Read an OpenVINO or ONNX file.

    Raises:
        ModelUnavailable: OpenVINO cannot read it.
    """
    try:
        return core().read_model(file)
    except RuntimeError as error:
        raise ModelUnavailable(
            f"OpenVINO cannot read {file.name} ({str(error).splitlines()[0]}): "
            "fetch the model again, or install winnow[torch]."
        ) from error


def _name(port: ov.Output) -> str:
    names = port.names
    return str(next(iter(names))) if names else str(port.node.friendly_name)
