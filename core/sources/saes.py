"""Loading SAEs, from folders and from releases, and refusing by name what a store cannot hold."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import NegativeActivations, PackageMissing, SaeMismatch, SaeNotFound
from core.sources.hub import cached_unless_reachable
from core.sources.models import looks_like_path

SIGNED = ("abstopk", "matching_pursuit")
"""Architectures whose activations have both signs by construction."""

SEQUENTIAL = ("temporal",)
"""Architectures that encode whole sequences, not positions."""

NON_NEGATIVE = ("relu", "topk", "jumprelu", "batchtopk", "gated")
"""Activation functions of older configurations that SAELens computes as written."""


@dataclass(frozen=True, slots=True)
class LoadedSae:
    """An SAE of SAELens with the name it was loaded under."""

    sae: Any
    sae_id: str
    release: str = ""


def load_saes(spec: str, device: str) -> list[LoadedSae]:
    """Load ``demo``, a folder with one SAE a subfolder, a SAELens release, or ``RELEASE:ID,ID``.

    Raises `SaeNotFound`, `NegativeActivations`, `SaeMismatch` or `PackageMissing`.
    """
    folder = _folder(spec)
    try:
        import sae_lens  # noqa: F401
    except ImportError as error:
        raise PackageMissing(f"{error.name or error} is not installed", "pip install -r requirements.txt") from error
    with _quiet():
        loaded = list(_from_folder(folder, device) if folder else _from_release(spec, device))
    for item in loaded:
        item.sae.eval().requires_grad_(False)
        refuse_signed(item.sae_id, item.sae.cfg.architecture())
    return loaded


def _folder(spec: str) -> Path | None:
    """The folder that `spec` names, or None for a release."""
    if spec == "demo":
        from core.sources.demo import SAES

        spec = str(SAES)
    path = Path(os.path.expanduser(spec))
    if path.is_dir():
        return path
    if looks_like_path(spec):
        raise SaeNotFound(f"there is no folder {spec}", "check the path, or give a SAELens release")
    return None


def _from_folder(folder: Path, device: str) -> Iterator[LoadedSae]:
    from sae_lens import SAE

    found = [folder] if (folder / "cfg.json").is_file() else sorted(p.parent for p in folder.glob("*/cfg.json"))
    if not found:
        raise SaeNotFound(f"{folder} holds no SAE", "name a folder with one SAELens SAE (cfg.json) a subfolder")
    for path in found:
        _check_configuration(path)
        try:
            yield LoadedSae(SAE.load_from_disk(path, device=device, dtype="float32"), path.name)
        except Exception as error:  # the loader raises whatever the files made it trip over
            reason = " ".join(str(error).split())[:160]
            raise SaeNotFound(f"{path} cannot be loaded: {reason}", "save it with SAELens' save_model") from error


def _check_configuration(path: Path) -> None:
    """Refuse by name what SAELens would load as something else, or not at all."""
    try:
        configuration = json.loads((path / "cfg.json").read_text())
        architecture = str(configuration.get("architecture", "standard"))
        activation = str(configuration.get("activation_fn") or configuration.get("activation_fn_str") or "relu")
    except (OSError, ValueError, AttributeError) as error:
        raise SaeNotFound(f"{path / 'cfg.json'} is not a SAELens configuration", "save it with SAELens") from error
    refuse_signed(path.name, architecture)
    if activation not in NON_NEGATIVE:
        raise NegativeActivations(
            f"SAE {path.name} uses the activation {activation!r}", "choose SAEs whose activations are never negative"
        )


def refuse_signed(name: str, architecture: str) -> None:
    """Raise `NegativeActivations` or `SaeMismatch` for architectures that a store cannot hold."""
    if architecture in SIGNED:
        raise NegativeActivations(
            f"activations of SAE {name} ({architecture}) can be negative",
            "choose SAEs whose activations are never negative",
        )
    if architecture in SEQUENTIAL:
        raise SaeMismatch(
            f"SAE {name} ({architecture}) encodes whole sequences, not tokens", "choose another architecture"
        )


def _from_release(spec: str, device: str) -> Iterator[LoadedSae]:
    from sae_lens import SAE

    release, ids = parse_release(spec)
    for sae_id in ids or _ids_of_release(release):
        try:
            with cached_unless_reachable():
                sae = SAE.from_pretrained(release, sae_id, device=device)
            _add_directory_entry(sae, release, sae_id)
            yield LoadedSae(sae, sae_id, release)
        except Exception as error:  # network, hub and conversion errors of many libraries
            reason = " ".join(str(error).split())[:160] or type(error).__name__
            raise SaeNotFound(
                f"SAE {sae_id} of {release} cannot be loaded: {reason}", "check the id and the network"
            ) from error


def _add_directory_entry(sae: Any, release: str, sae_id: str) -> None:
    """What SAELens' directory knows of an SAE; its loader hands it on only for configurations of older versions."""
    from sae_lens.loading.pretrained_saes_directory import get_config_overrides

    entry = get_config_overrides(release, sae_id)
    for name in ("neuronpedia_id", "model_from_pretrained_kwargs"):
        if entry.get(name) and not sae.cfg.metadata[name]:
            sae.cfg.metadata[name] = entry[name]


def parse_release(spec: str) -> tuple[str, list[str]]:
    """``RELEASE`` or ``RELEASE:ID,ID`` as the release and its ids ([]: all).

    >>> parse_release("gpt2-small-res-jb:blocks.0.hook_resid_pre, blocks.1.hook_resid_pre")
    ('gpt2-small-res-jb', ['blocks.0.hook_resid_pre', 'blocks.1.hook_resid_pre'])
    """
    release, _, ids = spec.partition(":")
    return release.strip(), [name.strip() for name in ids.split(",") if name.strip()]


def _ids_of_release(release: str) -> list[str]:
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    directory = get_pretrained_saes_directory()
    if release not in directory:
        close = [name for name in directory if release.split("-")[0] in name][:3]
        hint = f"SAELens knows {', '.join(close)}, ..." if close else "name a folder, or a release that SAELens lists"
        raise SaeNotFound(f"{release!r} is neither a folder nor a SAELens release", hint)
    return list(directory[release].saes_map)


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
