"""The arithmetic of an engine, and what this machine supports."""

from __future__ import annotations

import functools
import importlib.util
import warnings

import torch

from elmo_tasks.core.errors import InputError

PRECISIONS = ("exact", "fast", "int8", "auto")


def resolve(precision: str, device: torch.device) -> str:
    """Resolve a precision to the one that the engine will really use: `exact`, `fast` or `int8`.

    `exact` is float32 and equals the reference module to 1e-5. `fast` keeps the cosine of every vector with the exact
    one above 0.9995: it multiplies in bfloat16 and, if the CPU is faster at that, in 8-bit integers for the gates, with
    one scale per row; sums, gates and cells are float32. On a device with neither it becomes `exact`. `int8` multiplies
    8-bit integers in the whole LSTM. `auto` means `fast`.

    Raises:
        InputError: the precision is unknown, or is `int8` and the device does not support it.
    """
    if precision not in PRECISIONS:
        raise InputError(f"elmo.precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")
    if precision == "int8":
        if device.type != "cpu" or not has_int8():
            raise InputError(
                "elmo.precision: int8 needs a CPU with 8-bit products in PyTorch, which this machine's "
                f"{device.type} does not have; use fast"
            )
        return "int8"
    return "fast" if precision in ("fast", "auto") and (has_bf16(device) or int8_is_faster(device)) else "exact"


def arithmetic(precision: str, device: torch.device) -> str:
    """The arithmetic of a resolved precision on this machine: `exact/float32`, `fast/bf16`, `fast/int8-gates`, ...

    The precision precedes the slash; the type of the products follows it: `int8-gates` uses bfloat16 in the character
    encoder and the projections, `int8` only in the former; names with `-float32` use float32 there, on CPUs without
    bfloat16. For equal names and weights, vectors differ at most by rounding.
    """
    if precision == "exact":
        return "exact/float32"
    if precision == "fast" and not int8_is_faster(device):
        return "fast/bf16"
    rest = "" if has_bf16(device) else "-float32"
    return f"fast/int8-gates{rest}" if precision == "fast" else f"int8/int8{rest}"


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware; emulated products are slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == "cpu" and has_onednn() and (_cpu_has("avx512_bf16") or _cpu_has("amx_tile"))


def int8_is_faster(device: torch.device) -> bool:
    """Whether 8-bit products are faster than bfloat16 ones: on CPUs with VNNI but without AMX."""
    return device.type == "cpu" and has_int8() and _cpu_has("vnni") and not _cpu_has("amx_tile")


@functools.cache
def has_onednn() -> bool:
    """Whether weights can be converted to oneDNN's layout in advance, tried with a small product."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    try:
        weight = torch.eye(16)
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, 16)
        product = torch.ops.mkldnn._linear_pointwise.default(weight, packed, None, "none", [], "")
        return torch.equal(product, weight)
    except (AttributeError, RuntimeError, TypeError):  # another PyTorch version, or one built without oneDNN
        return False


@functools.cache
def has_int8() -> bool:
    """Whether oneDNN's product of 8-bit integers is available, tried with a small one."""
    try:
        product = _int8_product((torch.eye(16) + 128).to(torch.uint8), torch.eye(16, dtype=torch.int8))
        return torch.equal(product, torch.eye(16))
    except (AttributeError, RuntimeError, TypeError):
        return False


@functools.cache
def int8_saturates() -> bool:
    """Whether oneDNN's 8-bit product saturates sums of two products at 16 bits, as on CPUs without VNNI."""
    product = _int8_product(torch.full((16, 64), 255, dtype=torch.uint8), torch.full((16, 64), 127, dtype=torch.int8))
    return not torch.equal(product, torch.full((16, 16), 64.0 * 127 * 127))


def _int8_product(rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """oneDNN's product: rows (N, K) unsigned with 128 as zero, weight (16, K) -> (N, 16) float32."""
    packed = torch.ops.onednn.qlinear_prepack(weight, list(rows.shape))
    product: torch.Tensor = torch.ops.onednn.qlinear_pointwise.default(
        rows, 1.0, 128, packed, torch.ones(16), torch.zeros(16, dtype=torch.int64), None, 1.0, 0, torch.float32,
        "none", [], "",
    )  # fmt: skip
    return product


@functools.cache
def has_kernels() -> bool:
    """Whether Numba, which compiles `elmo_tasks.elmo.engine.kernels`, is installed; otherwise PyTorch is used."""
    return importlib.util.find_spec("numba") is not None


def _cpu_has(feature: str) -> bool:
    """Whether PyTorch reports a CPU feature; false for older versions that cannot."""
    look = getattr(torch.cpu, f"_is_{feature}_supported", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bool(look is not None and look())
