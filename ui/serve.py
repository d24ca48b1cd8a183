"""Serve the app, and make ready what the first page needs while the browser is still loading its own scripts.

    python -m ui.serve [--server.port 8501 ...]

The same as ``streamlit run streamlit_app.py`` with the same options, except that the first visitor waits less.
"""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time

from core.paths import ROOT

PATIENCE = 30.0
"""Seconds within which a server that starts at all has started."""


def make_ready() -> None:
    """Import what pages import, open the first store and ask it one question, so that its kernels are loaded.

    Waits for the server first: components register with it. What is not for the first picture comes last. Whatever goes
    wrong here will go wrong again, and be shown, where somebody is looking.
    """
    try:
        from streamlit import runtime

        deadline = time.monotonic() + PATIENCE
        while not runtime.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        from core.library import found_stores
        from ui import cards, evolution, graph, home, inspector, pills, setup  # noqa: F401  (to have them imported)
        from ui.readers import Reading, read_labels, read_store

        for found in found_stores()[:1]:
            store = read_store(found)
            Reading(store, read_labels(store)).finding()
        import core.analyses.link  # noqa: F401  (with what intervals need of SciPy)
    except Exception:
        logging.getLogger(__name__).debug("nothing was made ready", exc_info=True)
    finally:
        gc.freeze()
        gc.enable()


def main() -> None:
    """Run Streamlit's own server in this process.

    While modules are imported nobody looks for garbage among them (benchmarks/NOTES.md says what that saves).
    """
    gc.disable()
    from streamlit.web import cli

    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").setLevel(logging.ERROR)
    threading.Thread(target=make_ready, name="strata-make-ready", daemon=True).start()
    sys.argv = ["streamlit", "run", str(ROOT / "streamlit_app.py"), *sys.argv[1:]]
    cli.main(prog_name="streamlit")


if __name__ == "__main__":
    main()
