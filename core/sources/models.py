"""Loading language models: one class that runs them up to the last hook needed and hands out what hooks see."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import DeviceMissing, ModelNotFound, PackageMissing, SaeMismatch, StrataError
from core.sources.hub import cached_unless_reachable

if TYPE_CHECKING:
    import torch

PROCESSING = ("fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases")
"""What TransformerLens can do to weights on loading; SAEs say in their metadata which of it they were trained with."""

BOOT = ("revision", "checkpoint_index", "checkpoint_value", "n_ctx")
"""Arguments of SAEs' metadata that are handed on to loading; others (devices, types) are this machine's business."""

GATED_HOOKS = {"mlp_in": "set_use_hook_mlp_in", "attn_in": "set_use_attn_in", "hook_result": "set_use_attn_result"}
"""Hooks that TransformerLens leaves off until they are asked for."""


class _Enough(Exception):
    """Raised inside a forward pass once every hook has been seen."""


class LanguageModel:
    """A TransformerBridge, its tokenizer and its place; `capture` is the only way in which it is run."""

    def __init__(self, name: str, bridge: Any, device: str) -> None:
        self.name = name
        self.bridge = bridge
        self.device = device
        self.tokenizer = bridge.tokenizer
        self.vocabulary_size = int(bridge.cfg.d_vocab)
        self.longest_context = int(bridge.cfg.n_ctx)
        self.d_model = int(bridge.cfg.d_model)
        self._points: dict[str, Any] = {}

    def capture(self, ids: torch.Tensor, hooks: Sequence[str]) -> dict[str, torch.Tensor]:
        """What each hook sees, [batch, tokens, ...], for right-padded `ids` [batch, tokens].

        The pass ends at the last of the hooks. Padding to the right needs no mask: attention looks back only.
        """
        import torch

        seen: dict[str, torch.Tensor] = {}
        wanted = set(hooks)

        def look(name: str) -> Any:
            def hook(tensor: torch.Tensor, hook: Any) -> None:
                seen[name] = tensor
                if len(seen) == len(wanted):
                    raise _Enough

            return hook

        with torch.inference_mode(), self._hooked({name: look(name) for name in wanted}), suppress(_Enough):
            self.bridge(ids, return_type=None, use_cache=False)
        return seen

    @contextmanager
    def _hooked(self, functions: Mapping[str, Any]) -> Iterator[None]:
        points = [self._point(name) for name in functions]
        try:
            for point, function in zip(points, functions.values(), strict=True):
                point.add_hook(function)
            yield
        finally:
            for point in points:
                point.remove_hooks("fwd")

    def _point(self, name: str) -> Any:
        """A hook's place in the model; remembered, since the bridge gathers all of them anew whenever it is asked."""
        if name not in self._points:
            self._points[name] = self.bridge.hook_dict[name]
        return self._points[name]

    def require_hooks(self, hooks: Sequence[str]) -> None:
        """Turn on the hooks that are off by default; raise `SaeMismatch` for one that the model does not have."""
        for name in hooks:
            if name not in self.bridge.hook_dict:
                layers = self.bridge.cfg.n_layers
                raise SaeMismatch(f"{self.name} has no hook {name}", f"it has {layers} layers; choose its own SAEs")
            for ending, setter in GATED_HOOKS.items():
                if name.endswith(ending):
                    getattr(self.bridge, setter)(True)

    def directions_to_logits(self) -> torch.Tensor | None:
        """W [d_model, vocabulary] that turns a direction of the residual stream into logits, or None where unknown.

        The final norm's weight (and LayerNorm's centring) are folded in, its division by the size is left out; logits
        are centred over the vocabulary, since only their differences matter.
        """
        import torch

        try:
            norm, weights = self.bridge.ln_final, self.bridge.W_U.float()
            scale = norm.weight.float()
            if getattr(self.bridge.cfg, "rmsnorm_uses_offset", False):
                scale = scale + 1
            with torch.no_grad():
                weights = scale[:, None] * weights
                if not norm.uses_rms_norm:
                    weights = weights - weights.mean(0, keepdim=True)
                return weights - weights.mean(1, keepdim=True)
        except (AttributeError, RuntimeError, TypeError):  # a model without a final norm or an unembedding
            return None

    def digest(self) -> str:
        """SHA-256 over every weight: name, type, shape and bytes."""
        return digest_tensors(dict(self.bridge.original_model.state_dict()))


def digest_tensors(tensors: Mapping[str, Any]) -> str:
    """SHA-256 over named tensors, independent of their device and order."""
    import torch

    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        if not isinstance(tensor, torch.Tensor):
            continue
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        flat = tensor.detach().contiguous().reshape(-1)
        digest.update(flat.cpu().view(torch.uint8).numpy().data if flat.numel() else b"")
    return digest.hexdigest()


def choose_device(name: str) -> str:
    """``auto`` becomes the best device here; raises `DeviceMissing` for one that this machine lacks."""
    torch = import_torch()
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return "cuda" if available["cuda"] else "mps" if available["mps"] else "cpu"
    if not available.get(name.split(":")[0], False):
        known = ", ".join(device for device, there in available.items() if there)
        raise DeviceMissing(f"there is no device {name!r} here", f"choose auto or one of {known}")
    return name


def import_torch() -> Any:
    """The torch module; raises `PackageMissing` where only browsing was installed."""
    try:
        import torch
        import transformer_lens  # noqa: F401
    except ImportError as error:
        raise PackageMissing(
            f"{error.name or error} is not installed", "pip install -r requirements.txt; browsing needs none of it"
        ) from error
    return torch


def resolve_model(name: str) -> str:
    """The folder or Hugging Face name that `name` stands for; raises `ModelNotFound` for a folder without a model."""
    if name == "demo":
        from core.sources.demo import MODEL

        name = str(MODEL)
    path = Path(os.path.expanduser(name))
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelNotFound(f"{name} holds no config.json", "name a folder saved by Hugging Face transformers")
        return str(path)
    if looks_like_path(name):
        raise ModelNotFound(f"there is no folder {name}", "check the path, or give a Hugging Face name")
    return name


def looks_like_path(name: str) -> bool:
    """Whether `name` can only be a place on this disk, never a name on a hub.

    >>> [looks_like_path(name) for name in ("gpt2", "org/model", "./model", "a/b/c", "/tmp/x")]
    [False, False, True, True, True]
    """
    return name.startswith((".", "/", "~")) or name.count("/") > 1 or (os.sep != "/" and os.sep in name)


def load_model(name: str, device: str, arguments: Mapping[str, Any] | None = None) -> LanguageModel:
    """Load `name` (``demo``, a Hugging Face name or a local folder) with the SAEs' `model_from_pretrained_kwargs`.

    Weights stay as they were published, unless the arguments ask TransformerLens for processing, which
    `enable_compatibility_mode` then applies. Raises `ModelNotFound`, `PackageMissing` or `DeviceMissing`.
    """
    arguments = dict(arguments or {})
    source = resolve_model(name)
    import_torch()
    from transformer_lens.model_bridge import TransformerBridge

    boot = {key: arguments[key] for key in BOOT if arguments.get(key) is not None}
    processing = {key: bool(arguments.get(key, False)) for key in PROCESSING}
    with _quiet(), nullcontext() if Path(source).is_dir() else cached_unless_reachable():
        try:
            bridge = TransformerBridge.boot_transformers(source, device=device, **boot)
            if any(processing.values()):
                bridge.enable_compatibility_mode(disable_warnings=True, **processing)
        except StrataError:
            raise
        except Exception as error:  # the libraries below raise whatever they please
            raise _explain(name, error) from error
    bridge.eval()
    if bridge.tokenizer is None:
        raise ModelNotFound(f"{name} has no tokenizer", "put the tokenizer's files beside the model's")
    return LanguageModel(name, bridge, device)


def _explain(name: str, error: Exception) -> StrataError:
    """The named error for what a loader raised."""
    import torch

    from core.errors import OutOfMemory

    if isinstance(error, torch.OutOfMemoryError):
        return OutOfMemory(f"{name} does not fit the device", "choose --device cpu")
    reason = " ".join(str(error).split())[:160] or type(error).__name__
    if Path(os.path.expanduser(name)).is_dir():
        return ModelNotFound(f"{name} cannot be loaded: {reason}", "check its config.json, weights and tokenizer")
    return ModelNotFound(
        f"{name} was not found on the Hugging Face hub or in its cache: {reason}",
        "check the name and the network, or give a local folder",
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Loading without the libraries' progress bars and deprecation notes."""
    from transformers.utils import logging as hf_logging

    transformers_logging: Any = hf_logging  # without annotations of its own
    transformers_logging.disable_progress_bar()
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)
    try:
        yield
    finally:
        logging.getLogger().setLevel(level)
        transformers_logging.enable_progress_bar()
