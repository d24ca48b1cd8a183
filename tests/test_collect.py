"""Collecting: what a store holds is what SAELens computes, however often the run was killed."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import core.collect.activations as activations
from core.__main__ import main
from core.collect import Settings, collect
from core.collect.partial import open_partial, partial_folder
from core.errors import (
    BadArgument,
    Cancelled,
    CorpusNotFound,
    DeviceMissing,
    EmptyCorpus,
    ModelNotFound,
    NegativeActivations,
    NoDiskSpace,
    NotFinite,
    OutOfMemory,
    PackageMissing,
    RecipeChanged,
    SaeMismatch,
    SaeNotFound,
    StoreBusy,
)
from core.store import Store, open_store, verify
from core.store.format import WEIGHTS
from tests import tiny

pytestmark = pytest.mark.model

EVERY_KIND = {
    "pre1": ("standard", "blocks.1.hook_resid_pre", {}),
    "pre2": ("jumprelu", "blocks.2.hook_resid_pre", {}),
    "post2": ("topk", "blocks.2.hook_resid_post", {"k": 6}),
    "mid1": ("topk", "blocks.1.hook_resid_mid", {"k": 5, "rescale_acts_by_decoder_norm": True}),
    "gated0": ("gated", "blocks.0.hook_resid_pre", {}),
    "norm0": ("standard", "blocks.0.hook_resid_pre", {"normalize_activations": "layer_norm"}),
    "scaled": ("standard", "blocks.0.hook_mlp_out", {"normalize_activations": "constant_norm_rescale"}),
    "z1": ("standard", "blocks.1.attn.hook_z", {"reshape_activations": "hook_z"}),
    "tc2": (
        "transcoder",
        "blocks.2.ln2.hook_normalized",
        {"apply_b_dec_to_input": False, "d_out": tiny.WIDTH, "metadata": {"hook_name_out": "blocks.2.hook_mlp_out"}},
    ),
    "skip1": (
        "skip_transcoder",
        "blocks.1.hook_mlp_in",
        {"apply_b_dec_to_input": False, "d_out": tiny.WIDTH, "metadata": {"hook_name_out": "blocks.1.hook_mlp_out"}},
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    """Bytes are compared, so every process computes in the same way; and matrices this small gain nothing."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, SAEs of every kind, two plain SAEs, and a text."""
    folder = tmp_path_factory.mktemp("tiny")
    tiny.gpt2(folder / "model")
    for name, (architecture, hook, options) in EVERY_KIND.items():
        tiny.sae(folder / "kinds" / name, architecture, hook, **options)
    tiny.batch_top_k(folder / "kinds" / "batch", "blocks.2.hook_resid_mid")
    tiny.sae(folder / "saes" / "a", "standard", "blocks.0.hook_resid_pre")
    tiny.sae(folder / "saes" / "b", "jumprelu", "blocks.2.hook_resid_post")
    tiny.corpus(folder / "text.txt")
    return folder


def settings(folder: Path, out: Path, **changes: object) -> Settings:
    """The plain run of these tests: small chunks, committed one by one."""
    options: dict = {
        "model": str(folder / "model"),
        "saes": str(folder / "saes"),
        "text": str(folder / "text.txt"),
        "out": out,
        "device": "cpu",
        "batch_tokens": 128,
        "chunk_tokens": 256,
        "commit_seconds": 0.0,
    }
    return Settings(**(options | changes))


@pytest.fixture(scope="module")
def whole(folder: Path) -> Store:
    """The store of an uninterrupted plain run."""
    return open_store(collect(settings(folder, folder / "whole.h5")))


@pytest.fixture(scope="module")
def kinds(folder: Path) -> Store:
    """One store with a site of every kind of SAE."""
    return open_store(collect(settings(folder, folder / "kinds.h5", saes=str(folder / "kinds"))))


# ---- what is in the store

COMPARED = 20
"""Sequences that are run again by SAELens and TransformerLens alone."""


@pytest.fixture(scope="module")
def caches(kinds: Store, folder: Path) -> list:
    """What the hooks of the first sequences see, one sequence at a time, without a batch or padding."""
    import torch
    from transformer_lens.model_bridge import TransformerBridge

    model = TransformerBridge.boot_transformers(str(folder / "model"), device="cpu")
    model.set_use_hook_mlp_in(True)
    hooks = {site.hook_name for site in kinds.sites} | {site.output_hook for site in kinds.sites}
    caches = []
    for start, end in list(itertools.pairwise(kinds.tokens.sequence_offsets))[:COMPARED]:
        seen: dict = {}
        keep = [(hook, lambda x, hook, name=hook, seen=seen: seen.update({name: x[0]})) for hook in hooks if hook]
        with torch.no_grad():
            model.run_with_hooks(torch.tensor(kinds.tokens.ids[start:end].astype(np.int64))[None], fwd_hooks=keep)
        caches.append(seen)
    return caches


@pytest.mark.parametrize("name", [*EVERY_KIND, "batch"])
def test_activations_and_norms_equal_an_independent_encode(kinds: Store, folder: Path, caches: list, name: str) -> None:
    import torch
    from sae_lens import SAE

    site = next(site for site in kinds.sites if site.sae_id == name)
    sae = SAE.load_from_disk(folder / "kinds" / name)
    rows, sizes, errors = [], [], []
    for cache in caches:
        x = cache[site.hook_name]
        with torch.no_grad():
            rows.append(sae.encode(x))
            rebuilt = sae(x).flatten(1)
        sizes.append(x.flatten(1).norm(dim=1))
        errors.append((cache[site.output_hook or site.hook_name].flatten(1) - rebuilt).norm(dim=1))
    expected, input_norm, error_norm = (torch.cat(part).numpy() for part in (rows, sizes, errors))
    n = len(expected)
    counted = np.asarray(kinds.tokens.counted[:n], bool)
    got = tiny.dense(kinds, site.key)[:n]
    assert not got[~counted].any()
    assert (expected[counted] > 0).any()
    np.testing.assert_allclose(got[counted], expected[counted], rtol=1e-3, atol=2e-4)
    norms = kinds.norms(site.key)
    np.testing.assert_allclose(norms.input_norm[:n], input_norm, rtol=1e-3)
    np.testing.assert_allclose(norms.error_norm[:n], error_norm, rtol=1e-3, atol=1e-3)


def test_residual_sites_see_what_transformers_computes(kinds: Store, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder / "model")
    ids, offsets = kinds.tokens.ids, kinds.tokens.sequence_offsets
    with torch.no_grad():
        states = model(torch.tensor(ids[: offsets[1]].astype(np.int64))[None], output_hidden_states=True).hidden_states
    norms = kinds.norms("1").input_norm[: offsets[1]]
    np.testing.assert_allclose(norms, states[1][0].norm(dim=1), rtol=1e-4)


def test_sites_lie_along_the_forward_pass_under_their_keys(kinds: Store) -> None:
    keys = {site.sae_id: site.key for site in kinds.sites}
    assert [site.sae_id for site in kinds.sites] == [
        "gated0", "norm0", "scaled", "pre1", "z1", "mid1", "skip1", "pre2", "batch", "tc2", "post2",
    ]  # fmt: skip
    assert keys == {
        "gated0": "0", "norm0": "0@2", "scaled": "0.mlp", "pre1": "1", "z1": "1.att", "mid1": "1.mid",
        "skip1": "1.tc", "pre2": "2", "batch": "2.mid", "tc2": "2.tc", "post2": "3",
    }  # fmt: skip
    spaces = {site.sae_id: site.space for site in kinds.sites}
    assert spaces["z1"] != "resid"
    assert {spaces[name] for name in ("pre1", "scaled", "tc2", "skip1")} == {"resid"}
    assert kinds.site("2.tc").output_hook == "blocks.2.hook_mlp_out"


@pytest.mark.parametrize("name", ["pre1", "pre2", "gated0", "mid1"])
def test_written_weights_reproduce_the_activations_in_one_convention(kinds: Store, folder: Path, name: str) -> None:
    """relu(x @ encoder + encoder_bias), where it exceeds the threshold, for every architecture."""
    from sae_lens import SAE

    site = next(site for site in kinds.sites if site.sae_id == name)
    weights = {part: kinds.weights(site.key, part) for part in WEIGHTS if kinds.has(site.key, part)}
    import torch

    sae = SAE.load_from_disk(folder / "kinds" / name)
    x = torch.randn(50, tiny.WIDTH, generator=torch.Generator().manual_seed(1)) * 2
    pre = x.numpy() @ weights["encoder"] + weights["encoder_bias"]
    expected = np.where(pre > weights["threshold"] if "threshold" in weights else pre > 0, np.maximum(pre, 0), 0)
    with torch.no_grad():
        got = sae.encode(x)
        rebuilt = sae.decode(got)
    if name == "mid1":
        expected = np.where(got.numpy() > 0, expected, 0)  # TopK keeps the largest of them
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        rebuilt, got.numpy() @ weights["decoder"] + weights["decoder_bias"], rtol=1e-3, atol=1e-3
    )


def test_logits_name_the_tokens_that_a_direction_moves_most(kinds: Store, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder / "model")
    logits = kinds.logits("1")
    direction = torch.tensor(np.array(kinds.weights("1", "decoder")[7]))
    norm = model.transformer.ln_f.weight
    moved = ((direction - direction.mean()) * norm) @ model.lm_head.weight.T
    moved = (moved - moved.mean()).detach()
    np.testing.assert_allclose(np.sort(logits["top_value"][7])[::-1], moved.topk(10).values, rtol=1e-3, atol=1e-5)
    assert set(logits["bottom_token"][7]) == set((-moved).topk(10).indices.tolist())


def test_the_text_can_be_read_back_from_the_bytes_of_its_tokens(whole: Store, folder: Path) -> None:
    tokens = whole.tokens
    bos = int(tokens.ids[0])
    texts: dict[int, bytes] = {}
    for s, document in enumerate(tokens.sequence_document):
        ids = tokens.ids[tokens.sequence_offsets[s] : tokens.sequence_offsets[s + 1]]
        assert ids[0] == bos
        assert len(ids) <= tiny.CONTEXT
        pieces = [
            tokens.vocabulary_bytes[tokens.vocabulary_offsets[i] : tokens.vocabulary_offsets[i + 1]].tobytes()
            for i in ids[1:]
        ]
        texts[int(document)] = texts.get(int(document), b"") + b"".join(pieces)
    lines = (folder / "text.txt").read_text(encoding="utf-8").splitlines()
    assert [texts[d].decode() for d in sorted(texts)] == lines
    expected = np.ones(len(tokens.ids), np.uint8)
    expected[tokens.sequence_offsets[:-1]] = 0
    np.testing.assert_array_equal(tokens.counted, expected)


def test_center_writing_weights_of_the_metadata_is_honoured(folder: Path, tmp_path: Path) -> None:
    """Centred writing weights take the mean off the residual stream; without them it is there."""
    from core.sources.models import load_model

    plain = load_model(str(folder / "model"), "cpu")
    centred = load_model(str(folder / "model"), "cpu", {"center_writing_weights": True})
    import torch

    ids, hook = torch.arange(1, 9)[None], "blocks.2.hook_resid_pre"
    x, y = plain.capture(ids, [hook])[hook], centred.capture(ids, [hook])[hook]
    assert x.mean(-1).abs().max() > 0.01
    torch.testing.assert_close(x - x.mean(-1, keepdim=True), y, rtol=1e-3, atol=1e-4)


def test_pack_fills_every_sequence(folder: Path, tmp_path: Path) -> None:
    store = open_store(collect(settings(folder, tmp_path / "p.h5", pack=True, tokens=300, context_size=20)))
    lengths = np.diff(store.tokens.sequence_offsets)
    assert set(lengths.tolist()) == {20}
    assert store.n_positions == 300
    specials = store.tokens.ids == store.tokens.ids[0]
    assert not np.asarray(store.tokens.counted, bool)[specials].any()
    assert specials.sum() > store.n_sequences  # separators within sequences too


# ---- killed, and resumed


def run_killed(plan: Settings, stage: str, occurrence: int, delay: float) -> int | None:
    """Collect in another process that is killed on the way; its exit code."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["core.collect.run", "sae_lens", "transformer_lens.model_bridge"])
    process = context.Process(target=tiny.killed_at, args=(plan, stage, occurrence, delay))
    process.start()
    process.join(120)
    return process.exitcode


def test_a_killed_run_resumes_to_the_same_bytes(whole: Store, folder: Path, tmp_path: Path) -> None:
    plan = settings(folder, tmp_path / "killed.h5")
    dice = random.Random(5)
    moments = [("loading", 1, 0.0)]
    moments += [("activations", dice.randint(1, 3), dice.random() * 0.02) for _ in range(3)]
    moments += [("directions", 2, 0.0), ("store", 1, 0.01), ("store", 2, 0.0), ("store", 3, 0.0)]
    out = tmp_path / "killed.h5"
    for stage, occurrence, delay in moments:
        code = run_killed(plan, stage, occurrence, delay)
        assert code == -signal.SIGKILL or (delay and code == 0), (stage, occurrence, code)
        if out.exists():  # a run that was faster than its killer, or was killed after the rename: begin anew
            assert verify(open_store(out)) == []  # a file with this name is always whole
            out.unlink()
    store = open_store(collect(plan))
    assert store.fingerprint == whole.fingerprint
    assert tiny.datasets_of(store.path) == tiny.datasets_of(whole.path)
    assert not partial_folder(store.path).exists()


def test_cancelling_keeps_whole_chunks_and_goes_on(whole: Store, folder: Path, tmp_path: Path) -> None:
    plan = settings(folder, tmp_path / "cancelled.h5")
    asked = iter([False] * 3 + [True] * 100)
    with pytest.raises(Cancelled, match="run the same command again"):
        collect(plan, cancelled=lambda: next(asked))
    state = json.loads((partial_folder(tmp_path / "cancelled.h5") / "manifest.json").read_text())["state"]
    assert state["chunks"] >= 1
    assert tiny.datasets_of(collect(plan)) == tiny.datasets_of(whole.path)


def test_bytes_beyond_the_manifest_do_not_count(whole: Store, folder: Path, tmp_path: Path) -> None:
    plan = settings(folder, tmp_path / "torn.h5")
    asked = iter([False] * 4 + [True] * 100)
    with pytest.raises(Cancelled):
        collect(plan, cancelled=lambda: next(asked))
    for path in partial_folder(tmp_path / "torn.h5").glob("*.raw"):
        with path.open("ab") as file:
            file.write(b"torn")
    assert tiny.datasets_of(collect(plan)) == tiny.datasets_of(whole.path)


# ---- who may write, and over what


def test_a_second_writer_is_refused(folder: Path, tmp_path: Path) -> None:
    plan = settings(folder, tmp_path / "busy.h5")
    with open_partial(tmp_path / "busy.h5"), pytest.raises(StoreBusy):
        collect(plan)


def test_another_recipe_is_refused_and_the_same_one_is_done_already(whole: Store, folder: Path, tmp_path: Path) -> None:
    before = whole.path.stat().st_mtime_ns
    notes: list[str] = []
    assert collect(settings(folder, whole.path), note=notes.append) == whole.path
    assert "finished already" in notes[0]
    with pytest.raises(RecipeChanged, match="another model, other SAEs"):
        collect(settings(folder, whole.path, context_size=12))
    assert whole.path.stat().st_mtime_ns == before
    plan = settings(folder, tmp_path / "begun.h5")
    asked = iter([False] * 3 + [True] * 100)
    with pytest.raises(Cancelled):
        collect(plan, cancelled=lambda: next(asked))
    with pytest.raises(RecipeChanged, match="was begun with another model"):
        collect(settings(folder, tmp_path / "begun.h5", tokens=100))
    (tmp_path / "foreign.h5").write_text("my notes")
    with pytest.raises(RecipeChanged, match="in the way"):
        collect(settings(folder, tmp_path / "foreign.h5"))
    assert (tmp_path / "foreign.h5").read_text() == "my notes"


# ---- bad input


def test_what_does_not_fit_is_named_before_anything_is_written(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "none.h5"
    tiny.sae(tmp_path / "narrow" / "n", "standard", "blocks.0.hook_resid_pre", d_in=8)
    tiny.sae(tmp_path / "signed" / "s", "abstopk", "blocks.0.hook_resid_pre", k=4)
    tiny.sae(tmp_path / "deep" / "d", "standard", "blocks.9.hook_resid_pre")
    shutil.copytree(folder / "saes" / "a", tmp_path / "tanh" / "t")
    configuration = json.loads((tmp_path / "tanh" / "t" / "cfg.json").read_text())
    (tmp_path / "tanh" / "t" / "cfg.json").write_text(json.dumps(configuration | {"activation_fn": "tanh"}))
    (tmp_path / "empty").mkdir()
    (tmp_path / "blank.txt").write_text("\n  \n")
    (tmp_path / "latin.txt").write_bytes("caf\u00e9".encode("latin-1"))
    (tmp_path / "bad.jsonl").write_text('{"text": "a b c"}\n{"body": 1}\n')
    cases = [
        (SaeMismatch, "8 numbers a token", {"saes": str(tmp_path / "narrow")}),
        (NegativeActivations, "SAE s ", {"saes": str(tmp_path / "signed")}),
        (NegativeActivations, "'tanh'", {"saes": str(tmp_path / "tanh")}),
        (SaeMismatch, r"no hook blocks\.9", {"saes": str(tmp_path / "deep")}),
        (SaeNotFound, "holds no SAE", {"saes": str(tmp_path / "empty")}),
        (SaeNotFound, "no folder", {"saes": str(tmp_path / "absent")}),
        (SaeNotFound, "neither a folder nor a SAELens release", {"saes": "no-such-release"}),
        (ModelNotFound, "no folder", {"model": str(tmp_path / "absent")}),
        (ModelNotFound, "no config.json", {"model": str(tmp_path / "empty")}),
        (CorpusNotFound, "no text file", {"text": str(tmp_path / "absent.txt")}),
        (CorpusNotFound, "not UTF-8", {"text": str(tmp_path / "latin.txt")}),
        (CorpusNotFound, "line 2", {"text": str(tmp_path / "bad.jsonl")}),
        (EmptyCorpus, "no text", {"text": str(tmp_path / "blank.txt")}),
        (BadArgument, "exceeds the 64 tokens", {"context_size": 100}),
        (BadArgument, "too small", {"tokens": 0}),
        (DeviceMissing, "abacus", {"device": "abacus"}),
    ]
    for error, message, change in cases:
        with pytest.raises(error, match=message):
            collect(settings(folder, out, **change))
        assert not out.exists()
        assert not partial_folder(out).exists(), change


def test_negative_activations_are_found_while_running(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sae_lens import StandardSAE

    encode = StandardSAE.encode
    monkeypatch.setattr(StandardSAE, "encode", lambda self, x: encode(self, x) - 0.1)
    with pytest.raises(NegativeActivations, match="SAE a at"):
        collect(settings(folder, tmp_path / "negative.h5"))


@pytest.mark.parametrize("bad", [float("inf"), float("nan")])
def test_activations_that_are_no_numbers_are_refused_by_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: float
) -> None:
    from sae_lens import StandardSAE

    encode = StandardSAE.encode
    monkeypatch.setattr(StandardSAE, "encode", lambda self, x: encode(self, x) + bad)
    with pytest.raises(NotFinite, match="SAE a at"):
        collect(settings(folder, tmp_path / "broken.h5"))
    assert not (tmp_path / "broken.h5").exists()


def test_the_command_line_says_it_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = str(folder / "text.txt")
    assert main(["collect", "--model", "./nowhere", "--saes", str(folder / "saes"), "--text", text]) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("error: there is no folder ./nowhere (")


def test_the_command_says_as_json_what_it_made(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # those of the tests stay as they are
    out = tmp_path / "told.h5"
    words = ["--model", folder / "model", "--saes", folder / "saes", "--text", folder / "text.txt", "--out", out]
    assert main(["collect", *map(str, words), "--device", "cpu", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["path"], told["complete"], told["n"]) == (str(out), True, open_store(out).n)
    assert [site["key"] for site in told["sites"]] == ["0", "3"]


def test_without_the_model_packages_the_error_says_what_to_install(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformer_lens", None)
    with pytest.raises(PackageMissing, match=r"requirements\.txt"):
        collect(settings(folder, tmp_path / "none.h5"))


# ---- the machine


def test_no_disk_is_said_beforehand(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activations.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**6, 10**6, 1000))
    with pytest.raises(NoDiskSpace, match=r"0\.00 GB free"):
        collect(settings(folder, tmp_path / "full.h5"))


def test_a_disk_that_fills_up_leaves_a_run_that_goes_on(
    whole: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        monkeypatch.setattr(activations, "check_disk", lambda *arguments: None)
        with pytest.raises(NoDiskSpace, match="is full"):
            collect(settings(folder, disk / "store.h5"))
        assert not (disk / "store.h5").exists()
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        assert tiny.datasets_of(collect(settings(folder, disk / "store.h5"))) == tiny.datasets_of(whole.path)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_running_out_of_memory_halves_the_batch_and_says_so(
    whole: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from core.sources.models import LanguageModel

    capture = LanguageModel.capture

    def small(self: LanguageModel, ids: torch.Tensor, hooks: list[str]) -> dict:
        if ids.shape[0] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return capture(self, ids, hooks)

    notes: list[str] = []
    monkeypatch.setattr(LanguageModel, "capture", small)
    store = open_store(collect(settings(folder, tmp_path / "halved.h5"), note=notes.append))
    assert "batches are now of" in notes[0]
    np.testing.assert_allclose(tiny.dense(store, "0"), tiny.dense(whole, "0"), rtol=1e-4, atol=1e-5)

    def never(self: LanguageModel, ids: torch.Tensor, hooks: list[str]) -> dict:
        if ids.shape[1] > 2:  # all but the check of widths
            raise torch.OutOfMemoryError("CUDA out of memory")
        return capture(self, ids, hooks)

    monkeypatch.setattr(LanguageModel, "capture", never)
    with pytest.raises(OutOfMemory):
        collect(settings(folder, tmp_path / "never.h5"))
