"""The house keeps its rooms: imports run one way, heavy packages stay where they belong, browsing needs no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from core.paths import ROOT

ROOMS = ["values", "store", "statistics", "results", "analyses", "views"]
"""The rooms along the one direction of imports: each may import those before it, never those after."""

BELOW_ALL = {"errors", "paths", "kernels", "jobs"}
BROWSING = ["core.store", "core.statistics", "core.analyses", "core.views", "core.labels", "core.results"]

HEAVY = {
    "torch": {"core/sources", "core/collect", "core/statistics/cuda"},
    "sae_lens": {"core/sources"},
    "transformer_lens": {"core/sources"},
    "h5py": {"core/store", "core/results"},
    "pyvis": {"core/views"},
    "plotly": {"core/views"},
    "streamlit": {"ui", "pages", "streamlit_app.py"},
}


def python_files(*folders: str) -> list[Path]:
    return [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]


def imported(file: Path) -> set[str]:
    """Full names of all modules that a file imports, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if parts[0] == "core" and len(parts) > 1 else parts[0]


@pytest.mark.parametrize("place", range(len(ROOMS)), ids=ROOMS)
def test_imports_run_one_way(place: int) -> None:
    path = ROOT / "core" / ROOMS[place]
    files = sorted(path.rglob("*.py")) if path.is_dir() else [p for p in [path.with_suffix(".py")] if p.exists()]
    later = set(ROOMS[place + 1 :]) | {"ui", "pages", "commands", "streamlit", "collect", "sources"}
    for file in files:
        wrong = {name for name in imported(file) if room(name) in later and name.split(".")[0] in ("core", *later)}
        assert not wrong, f"{file.relative_to(ROOT)} imports {wrong}"


@pytest.mark.parametrize("package", HEAVY)
def test_heavy_packages_stay_in_their_rooms(package: str) -> None:
    for file in [*python_files("core", "ui", "pages"), ROOT / "streamlit_app.py"]:
        name = file.relative_to(ROOT).as_posix()
        if any(name == place or name.startswith((place + "/", place + ".")) for place in HEAVY[package]):
            continue
        assert package not in {module.split(".")[0] for module in imported(file)}, f"{name} imports {package}"


def browsing_modules() -> list[str]:
    """Every module that browsing a store may import."""
    files = [f for f in python_files("core") if not f.relative_to(ROOT).as_posix().startswith("core/collect")]
    names = [".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for f in files]
    kept = [n for n in names if n.startswith(tuple(BROWSING)) or n in ("core.values", "core.errors", "core.jobs")]
    return [name for name in kept if not name.startswith("core.statistics.cuda")]


def test_browsing_imports_neither_torch_nor_streamlit() -> None:
    forbidden = ("torch", "sae_lens", "transformer_lens", "streamlit")
    code = f"""
import sys, importlib
for name in {forbidden!r}:
    sys.modules[name] = None
for name in {browsing_modules()!r}:
    importlib.import_module(name)
assert not any(sys.modules.get(name) for name in {forbidden!r})
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_file_in_pages_is_a_page() -> None:
    for file in python_files("pages"):
        assert "set_up(" in file.read_text(), f"{file.name} does not begin as pages do"


def test_what_is_undefined_in_a_table_is_a_dash() -> None:
    """DESIGN 4; Streamlit shows "None" unless it is told otherwise."""
    calls = [
        (file.name, node)
        for file in python_files("ui", "pages")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "st.dataframe"
    ]
    assert len(calls) >= 2  # most tables are those of ui.tables
    for file, call in calls:
        assert {word.arg: ast.unparse(word.value) for word in call.keywords}.get("placeholder") == "'–'", file


def test_no_pickle_anywhere() -> None:
    for file in python_files("core", "ui", "pages", "demo"):
        assert not {"pickle", "dill", "joblib"} & {m.split(".")[0] for m in imported(file)}, file


def test_the_command_line_lists_its_commands_without_importing_any() -> None:
    code = "import sys; from core.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "assert not {'torch', 'numba', 'h5py', 'numpy'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "collect" in done.stdout
    assert "neighbours" in done.stdout
