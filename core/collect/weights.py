"""What a store keeps of an SAE's weights, and the tokens that its directions promote and suppress."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from core.values import Site

TOP = 10
"""Tokens kept at either end of a feature's logits."""

LOGITS_BYTES = 1 << 26
"""Logits held at once."""


def site_weights(sae: Any) -> dict[str, np.ndarray]:
    """Decoder [d_sae, d_out], encoder [d_in, d_sae], biases and threshold, in one convention for every architecture.

    For an input x (after the SAE's own normalisation, if it has any) the pre-activation is ``x @ encoder +
    encoder_bias``: a decoder bias that the SAE takes off its input is folded into the encoder's. A feature with a
    threshold is active where the pre-activation exceeds it. A gated SAE is written as the JumpReLU that it is
    (Rajamanoharan et al. 2024, section 3.2): its magnitude path, with the gate as threshold. Where activations are
    scaled by decoder norms, so are the weights, and ``activations @ decoder + decoder_bias`` is the reconstruction.
    Parts that an architecture lacks are left out.
    """
    if getattr(sae, "W_dec", None) is None or sae.cfg.architecture() == "matching_pursuit":
        return {}
    parts = {"decoder": sae.W_dec, "decoder_bias": sae.b_dec, "encoder": sae.W_enc}
    if sae.cfg.architecture() == "gated":
        scale = sae.r_mag.exp()
        parts["encoder"] = sae.W_enc * scale
        parts["encoder_bias"] = sae.b_mag
        parts["threshold"] = torch.relu(sae.b_mag - sae.b_gate * scale)
    else:
        if getattr(sae, "b_enc", None) is not None:
            parts["encoder_bias"] = sae.b_enc
        if getattr(sae, "threshold", None) is not None:
            parts["threshold"] = sae.threshold
    if getattr(sae.cfg, "rescale_acts_by_decoder_norm", False):
        sizes = sae.W_dec.norm(dim=-1)
        parts["decoder"] = sae.W_dec / sizes[:, None]
        parts["encoder"] = sae.W_enc * sizes
        parts["encoder_bias"] = sae.b_enc * sizes
    if sae.cfg.apply_b_dec_to_input and "encoder_bias" in parts:
        parts["encoder_bias"] = parts["encoder_bias"] - sae.b_dec @ parts["encoder"]
    return {name: part.detach().float().cpu().numpy() for name, part in parts.items()}


def direction_logits(site: Site, sae: Any, unembedding: torch.Tensor | None) -> dict[str, np.ndarray]:
    """The ten tokens that each decoder row raises most and lowers most, with its logits: each [d_sae, 10].

    Only for sites that live in the residual stream or are added to it ({} for others); `unembedding` is
    [d_model, vocabulary] with the final norm folded in, see `LanguageModel.directions_to_logits`.
    """
    decoder = sae.W_dec.detach().float()
    if unembedding is None or site.space != "resid" or decoder.shape[1] != unembedding.shape[0]:
        return {}
    top = min(TOP, unembedding.shape[1])
    rows = max(1, LOGITS_BYTES // (4 * unembedding.shape[1]))
    parts: dict[str, list[np.ndarray]] = {
        name: [] for name in ("top_token", "top_value", "bottom_token", "bottom_value")
    }
    for start in range(0, len(decoder), rows):
        logits = decoder[start : start + rows] @ unembedding
        for end, largest in (("top", True), ("bottom", False)):
            values, tokens = logits.topk(top, dim=1, largest=largest)
            parts[f"{end}_token"].append(tokens.cpu().numpy().astype(np.uint32))
            parts[f"{end}_value"].append(values.cpu().numpy())
    return {name: np.concatenate(pieces) for name, pieces in parts.items()}
