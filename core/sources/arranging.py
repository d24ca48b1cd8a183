"""SAEs along the forward pass: their order, keys and spaces, and how they ask to be used."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import SaeMismatch
from core.sources.saes import LoadedSae
from core.store.format import site_key
from core.values import Site

RESIDUAL = ("hook_resid_pre", "hook_resid_mid", "hook_resid_post", "hook_embed", "hook_mlp_in", "hook_attn_in")
"""Hooks that see the residual stream itself."""

WRITERS = ("hook_mlp_out", "hook_attn_out")
"""Hooks that see what a layer adds to the residual stream: the same space."""


@dataclass(frozen=True, slots=True)
class Training:
    """How the SAEs were trained, which is how they are to be used."""

    context_size: int
    prepend_bos: bool
    model_name: str
    model_arguments: Mapping[str, Any]


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
