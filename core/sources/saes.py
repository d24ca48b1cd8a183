"""Loading SAEs and arranging them along the forward pass."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import NegativeActivations, PackageMissing, SaeMismatch, SaeNotFound
from core.sources.hub import cached_unless_reachable
from core.sources.models import looks_like_path
from core.store.format import site_key
from core.values import Site

SIGNED = ("abstopk", "matching_pursuit")
"""Architectures whose activations have both signs by construction."""

SEQUENTIAL = ("temporal",)
"""Architectures that encode whole sequences, not positions."""

NON_NEGATIVE = ("relu", "topk", "jumprelu", "batchtopk", "gated")
"""Activation functions of older configurations that SAELens computes as written."""

RESIDUAL = ("hook_resid_pre", "hook_resid_mid", "hook_resid_post", "hook_embed", "hook_mlp_in", "hook_attn_in")
"""Hooks that see the residual stream itself."""

WRITERS = ("hook_mlp_out", "hook_attn_out")
"""Hooks that see what a layer adds to the residual stream: the same space."""


@dataclass(frozen=True, slots=True)
class LoadedSae:
    """An SAE of SAELens with the name it was loaded under."""

    sae: Any
    sae_id: str
    release: str = ""


@dataclass(frozen=True, slots=True)
class Training:
    """How the SAEs were trained, which is how they are to be used."""

    context_size: int
    prepend_bos: bool
    model_name: str
    model_arguments: Mapping[str, Any]


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
    path = Path(spec).expanduser()
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


# ---- arranging


def training(saes: Sequence[LoadedSae]) -> Training:
    """What the SAEs' metadata ask for; raises `SaeMismatch` where they contradict each other."""
    metadata = [item.sae.cfg.metadata for item in saes]
    arguments = {_canonical(data.model_from_pretrained_kwargs or {}) for data in metadata}
    if len(arguments) > 1:
        raise SaeMismatch(f"the SAEs ask for different models: {' and '.join(sorted(arguments))}", "collect them apart")
    bos = {data.prepend_bos is not False for data in metadata}
    if len(bos) > 1:
        raise SaeMismatch("the SAEs disagree on prepend_bos", "collect them apart")
    sizes = [int(data.context_size) for data in metadata if data.context_size]
    return Training(
        context_size=min(sizes, default=128),
        prepend_bos=bos.pop(),
        model_name=str(metadata[0].model_name or ""),
        model_arguments=json.loads(arguments.pop()),
    )


def _canonical(arguments: Mapping[str, Any]) -> str:
    return json.dumps(dict(arguments), sort_keys=True, default=str)


def arrange(saes: Sequence[LoadedSae]) -> list[tuple[Site, LoadedSae]]:
    """Sites in the order of the forward pass with keys of their own (DESIGN 1); raises `SaeMismatch` without a hook."""
    for item in saes:
        if not item.sae.cfg.metadata.hook_name:
            raise SaeMismatch(f"SAE {item.sae_id} names no hook", "add metadata.hook_name to its cfg.json")
    ordered = sorted(saes, key=lambda item: (hook_order(item.sae.cfg.metadata.hook_name), natural(item.sae_id)))
    any_pre = any(item.sae.cfg.metadata.hook_name.endswith("resid_pre") for item in ordered)
    sites: list[tuple[Site, LoadedSae]] = []
    taken: set[str] = set()
    for position, item in enumerate(ordered):
        site = _site(position, item, any_pre, frozenset(taken))
        taken.add(site.key)
        sites.append((site, item))
    return sites


def _site(position: int, item: LoadedSae, any_pre: bool, taken: frozenset[str]) -> Site:
    cfg = item.sae.cfg
    hook = str(cfg.metadata.hook_name)
    layer = hook_order(hook)[0]
    neuronpedia = str(cfg.metadata.neuronpedia_id or "")
    output = str(cfg.metadata.hook_name_out or "")
    return Site(
        position=position,
        key=site_key(layer, hook, neuronpedia, any_pre=any_pre, taken=taken),
        layer=layer,
        hook_name=hook,
        output_hook=output if output != hook else "",
        sae_id=item.sae_id,
        release=item.release,
        architecture=cfg.architecture(),
        normalisation=cfg.normalize_activations,
        d_in=int(cfg.d_in),
        d_sae=int(cfg.d_sae),
        space=space_of(output or hook),
        neuronpedia_id=neuronpedia,
    )


def hook_order(hook: str) -> tuple[int, int]:
    """(layer, place in the block) of a hook: pre, att, mid, mlp or transcoder, post.

    >>> [hook_order(f"blocks.3.{name}")[1] for name in ("hook_resid_pre", "attn.hook_z", "hook_mlp_out")]
    [0, 1, 3]
    >>> hook_order("hook_embed") < hook_order("blocks.0.hook_resid_pre")
    True
    """
    match = re.match(r"blocks\.(\d+)\.", hook)
    if not match:
        return (0, -1) if "embed" in hook and "unembed" not in hook else (1 << 16, 0)
    if "resid_pre" in hook:
        return int(match[1]), 0
    if "resid_post" in hook:
        return int(match[1]), 4
    if "resid_mid" in hook:
        return int(match[1]), 2
    attention = "attn" in hook or "ln1" in hook or hook.endswith(("hook_z", "_q_input", "_k_input", "_v_input"))
    return int(match[1]), 1 if attention else 3


def space_of(hook: str) -> str:
    """Which space a hook's vectors live in: ``resid`` for the residual stream and what is added to it, else its own.

    >>> space_of("blocks.2.hook_mlp_out"), space_of("blocks.2.attn.hook_z")
    ('resid', 'blocks.2.attn.hook_z')
    """
    return "resid" if hook.rsplit(".", 1)[-1] in RESIDUAL + WRITERS else hook


def natural(text: str) -> list[tuple[int, str]]:
    """A sorting key in which 10 comes after 9.

    >>> sorted(["layer_10", "layer_9"], key=natural)
    ['layer_9', 'layer_10']
    """
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]
