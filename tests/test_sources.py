"""Models, SAEs and texts as they come: vocabularies as bytes, releases from a hub, no network."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.collect import Settings, collect
from core.errors import ModelNotFound, SaeNotFound
from core.paths import stores_folder
from core.sources.corpora import Cutting, special_ids, tokenise, windows
from core.sources.vocabulary import token_bytes, vocabulary
from core.store import open_store
from tests import tiny

pytestmark = pytest.mark.model


# ---- vocabularies


@pytest.mark.parametrize("text", [*tiny.LINES, "tab\there", "emoji 👩‍🚀 and ß", "the cat sat at the mat"])
@pytest.mark.parametrize("make", [tiny.byte_level_tokenizer, tiny.sentencepiece_tokenizer])
def test_joining_the_bytes_of_a_text_gives_the_text(make: object, text: str) -> None:
    tokenizer = make()  # type: ignore[operator]
    ids = next(tokenise(tokenizer, [text], len(tokenizer)))
    texts = token_bytes(tokenizer, len(tokenizer))
    joined = b"".join(texts[i] for i in ids).decode()
    assert joined == (f" {text}" if make is tiny.sentencepiece_tokenizer else text)


def test_a_character_split_over_tokens_is_whole_again_only_when_joined() -> None:
    tokenizer = tiny.byte_level_tokenizer()
    ids = next(tokenise(tokenizer, ["茶"], len(tokenizer)))
    parts = [token_bytes(tokenizer, len(tokenizer))[i] for i in ids]
    assert [len(part) for part in parts] == [1, 1, 1]
    with pytest.raises(UnicodeDecodeError):
        parts[0].decode()
    assert b"".join(parts).decode() == "茶"


def test_ids_without_a_token_have_empty_texts() -> None:
    tokenizer = tiny.byte_level_tokenizer()
    texts, offsets = vocabulary(tokenizer, len(tokenizer) + 3)
    assert np.diff(offsets)[-3:].tolist() == [0, 0, 0]
    assert texts[: offsets[1]].tobytes() == b"<|endoftext|>"


def test_an_unknown_word_counts_and_a_marker_does_not() -> None:
    assert special_ids(tiny.sentencepiece_tokenizer()) == {1, 2}
    assert special_ids(tiny.byte_level_tokenizer()) == {0}  # there the unknown word shares the marker's id


def test_windows_of_one_document_share_its_number_and_hold_all_of_it() -> None:
    documents = [list(range(10, 37)), [5], [6, 7]]
    cut = list(windows(documents, Cutting(context_size=8, bos=1)))
    assert [document for document, _ in cut] == [0, 0, 0, 0, 1, 2]
    assert [i for document, ids in cut if document == 0 for i in ids[1:]] == documents[0]
    assert all(ids[0] == 1 and len(ids) <= 8 for _, ids in cut)
    without = list(windows(documents, Cutting(context_size=8, bos=None)))
    assert [document for document, _ in without] == [0, 0, 0, 0, 2]  # one token alone has nothing to count


# ---- a hub


class Hub(BaseHTTPRequestHandler):
    """As much of the Hugging Face hub as downloading a file takes."""

    files: Path

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        body = self._answer()
        if body and self.command == "GET":
            self.wfile.write(body)

    def _answer(self) -> bytes:
        repository, _, name = self.path.partition("/resolve/main/")
        path = self.files / repository.strip("/").replace("/", "--") / name.partition("?")[0]
        if not name or not path.is_file():
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return b""
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("ETag", f'"{abs(hash((str(path), len(body)))):x}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return body

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    """A hub on this machine with a small `gpt2` and two of the thirteen SAEs of gpt2-small-res-jb."""
    for name in ("gpt2", "openai-community--gpt2"):
        tiny.gpt2(tmp_path / "hub" / name)
    saes = tmp_path / "hub" / "jbloom--GPT2-Small-SAEs-Reformatted"
    for layer in (0, 1):
        tiny.sae(saes / f"blocks.{layer}.hook_resid_pre", "standard", f"blocks.{layer}.hook_resid_pre")
    handler = type("Here", (Hub,), {"files": tmp_path / "hub"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def use_hub(monkeypatch: pytest.MonkeyPatch, endpoint: str, tmp_path: Path, offline: bool = False) -> None:
    """Make `endpoint` the hub of this process, with an empty cache."""
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


def test_a_model_and_a_release_by_name_from_a_hub(hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_hub(monkeypatch, hub, tmp_path)
    ids = "blocks.0.hook_resid_pre,blocks.1.hook_resid_pre"
    text = str(tiny.corpus(tmp_path / "text.txt"))
    store = open_store(collect(Settings("gpt2", f"gpt2-small-res-jb:{ids}", text, device="cpu")))
    assert store.path.parent == stores_folder()
    assert [(site.key, site.release, site.neuronpedia_id) for site in store.sites] == [
        ("0", "gpt2-small-res-jb", "gpt2-small/0-res-jb"),
        ("1", "gpt2-small-res-jb", "gpt2-small/1-res-jb"),
    ]
    assert store.settings["model_arguments"] == {"center_writing_weights": True}
    with pytest.raises(SaeNotFound, match=r"blocks\.2"):  # of all thirteen, the hub here lacks the third
        collect(Settings("gpt2", "gpt2-small-res-jb", text, device="cpu"))
    with pytest.raises(ModelNotFound, match="nobody/nothing"):
        collect(Settings("nobody/nothing", f"gpt2-small-res-jb:{ids}", text, device="cpu"))


@pytest.mark.parametrize("offline", [False, True])
def test_without_a_network_the_error_has_a_name_and_comes_at_once(
    offline: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_hub(monkeypatch, "http://127.0.0.1:9", tmp_path, offline)
    tiny.sae(tmp_path / "saes" / "a", "standard", "blocks.0.hook_resid_pre")
    tiny.gpt2(tmp_path / "model")
    text, saes, model = str(tiny.corpus(tmp_path / "text.txt")), str(tmp_path / "saes"), str(tmp_path / "model")
    cases = {
        "gpt2 was not found": ["--model", "gpt2", "--saes", saes, "--text", text],
        "SAE blocks.0.hook_resid_pre": ["--model", model, "--saes", "gpt2-small-res-jb", "--text", text],
        "hf:some/data cannot be read": ["--model", model, "--saes", saes, "--text", "hf:some/data"],
    }
    for message, words in cases.items():
        capsys.readouterr()
        started = time.monotonic()
        assert main(["collect", "--device", "cpu", *words]) == 1
        assert time.monotonic() - started < 20
        errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
        assert len(errors) == 1
        assert errors[0].startswith(f"error: {message}")
