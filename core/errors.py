"""The named errors: each says what is wrong, with the offending value, and the way out.

The command line prints ``error: WHAT (WAY OUT)`` and exits with 1; the app shows the same two sentences in one box.

>>> str(UnknownFeature("site 5 has 512 features, there is no 5_900", "choose an index from 0 to 511"))
'site 5 has 512 features, there is no 5_900 (choose an index from 0 to 511)'
"""

from __future__ import annotations


class StrataError(Exception):
    """What happened and what to do about it; never a traceback for the user."""

    def __init__(self, what: str, way_out: str) -> None:
        super().__init__(what, way_out)
        self.what = what
        self.way_out = way_out

    def __str__(self) -> str:
        return f"{self.what} ({self.way_out})"


class BadArgument(StrataError):
    """An option or value that cannot be used as given."""


class Cancelled(StrataError):
    """Long work was stopped on request; what was committed is kept."""


# ---- the store's file


class StoreMissing(StrataError):
    """There is no file at this path."""


class StoreForeign(StrataError):
    """The file is not a Strata store."""


class StoreNewer(StrataError):
    """The store was written by a newer version of Strata."""


class StoreIncomplete(StrataError):
    """Collecting was never finished."""


class StoreDamaged(StrataError):
    """Sizes, offsets, indices or checksums contradict each other."""


class StoreBusy(StrataError):
    """Another process is writing this store."""


class RecipeChanged(StrataError):
    """Resuming was asked for, but the model, SAEs, corpus or settings differ from those that began."""


# ---- what is asked of it


class UnknownSite(StrataError):
    """No site has this key."""


class UnknownFeature(StrataError):
    """No such feature, or no such way to write one."""


class NothingRecorded(StrataError):
    """The store lacks an optional part (weights, logits, norms) that this question needs."""


class SpacesDiffer(StrataError):
    """Directions of two sites that live in different spaces cannot be compared."""


# ---- models, SAEs and corpora


class ModelNotFound(StrataError):
    """The model's folder or name leads nowhere, or cannot be read."""


class SaeNotFound(StrataError):
    """The SAEs' folder or release leads nowhere, or cannot be read."""


class SaeMismatch(StrataError):
    """An SAE does not fit the hook that it names."""


class NegativeActivations(StrataError):
    """An SAE's activations can be negative; a store holds only what is active, above zero."""


class NotFinite(StrataError):
    """Activations are infinite or no numbers: weights are broken, or overflowed."""


class EmptyCorpus(StrataError):
    """The corpus holds no text to collect from."""


class CorpusNotFound(StrataError):
    """The corpus' file or dataset leads nowhere, or cannot be read."""


class TokenizerMismatch(StrataError):
    """The tokenizer yields ids outside of the model's vocabulary, or no byte-exact texts."""


class PromptTooLong(StrataError):
    """A prompt has more tokens than the model's context."""


# ---- the machine


class NoDiskSpace(StrataError):
    """The disk cannot hold what is about to be written."""


class NotPermitted(StrataError):
    """The file system refused reading or writing."""


class OutOfMemory(StrataError):
    """Even the smallest batch does not fit the device."""


class DeviceMissing(StrataError):
    """The device asked for is not on this machine."""


class PackageMissing(StrataError):
    """A package of requirements.txt that browsing does not need is not installed."""


class HostedRefusal(StrataError):
    """Not available where Strata is hosted for the public."""


def out_of_memory(error: RuntimeError) -> bool:
    """Whether a RuntimeError of torch means that memory ran out, on whatever device; asks without importing torch.

    >>> out_of_memory(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))
    True
    """
    text = str(error)
    return type(error).__name__ == "OutOfMemoryError" or "out of memory" in text or "can't allocate memory" in text
