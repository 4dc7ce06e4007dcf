"""Which arithmetic an engine uses, and which of them this machine has."""

from __future__ import annotations

import functools
import warnings

import torch

from elmo_tasks.errors import InputError

PRECISIONS = ("exact", "fast", "int8", "auto")


def resolve(precision: str, device: torch.device) -> str:
    """`exact`, `fast` or `int8`, whichever the engine will really compute in.

    `exact` is float32 and equals the reference module to 1e-5. `fast` multiplies in bfloat16 with sums, gates and cells
    in float32; where the device has no bfloat16 products it is `exact`. `int8` multiplies 8-bit integers, one scale a
    row. `auto` is `fast`.

    Raises:
        InputError: another word, or `int8` where there is no such product.
    """
    if precision not in PRECISIONS:
        raise InputError(f"elmo.precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}")
    if precision == "int8":
        if device.type != "cpu" or not has_int8():
            raise InputError(
                "elmo.precision: expected a CPU whose PyTorch multiplies 8-bit integers for int8, this is "
                f"{device.type} without; use fast"
            )
        return "int8"
    return "fast" if precision in ("fast", "auto") and has_bf16(device) else "exact"


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware: emulated products are slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == "cpu" and has_onednn() and (_cpu_has("avx512_bf16") or _cpu_has("amx_tile"))


@functools.cache
def has_onednn() -> bool:
    """Whether weights can be laid out in advance for oneDNN's products, tried on a small one."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    try:
        weight = torch.eye(16)
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, 16)
        product = torch.ops.mkldnn._linear_pointwise.default(weight, packed, None, "none", [], "")
        return torch.equal(product, weight)
    except (AttributeError, RuntimeError, TypeError):  # another PyTorch, or one that was built without
        return False


@functools.cache
def has_int8() -> bool:
    """Whether oneDNN's product of 8-bit integers is there, tried on a small one."""
    try:
        weight = torch.eye(16, dtype=torch.int8)
        packed = torch.ops.onednn.qlinear_prepack(weight, [16, 16])
        rows = (torch.eye(16) + 128).to(torch.uint8)
        product = torch.ops.onednn.qlinear_pointwise.default(
            rows, 1.0, 128, packed, torch.ones(16), torch.zeros(16, dtype=torch.int64), None, 1.0, 0, torch.float32,
            "none", [], "",
        )  # fmt: skip
        return torch.equal(product, torch.eye(16))
    except (AttributeError, RuntimeError, TypeError):
        return False


def _cpu_has(feature: str) -> bool:
    """PyTorch's own look at the CPU; an older one that cannot tell has it not."""
    look = getattr(torch.cpu, f"_is_{feature}_supported", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bool(look is not None and look())
