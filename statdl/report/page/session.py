"""What a report was made with."""

from __future__ import annotations

import os
import platform
import sys
import time

from statdl.lazy import lazy
from statdl.report.page.part import Facts, Section

metadata = lazy("importlib.metadata")

#: Packages whose versions decide what comes out.
PACKAGES = ("numpy", "scipy", "pandas", "formulaic", "narwhals", "matplotlib", "cupy")


def session(device: str = "") -> Section:
    """Return the versions of what a report was made with, and the day.

    ``SOURCE_DATE_EPOCH``, where it is set, is the time (reproducible-builds.org).
    """
    pairs = [
        ("statdl", str(getattr(sys.modules.get("statdl"), "__version__", "unknown"))),
        ("Python", platform.python_version()),
        ("Platform", f"{platform.system()} {platform.machine()}"),
        *((name, version) for name in PACKAGES if (version := _version(name))),
    ]
    if device:
        pairs.append(("Fitted on", device))
    return Section("Session", (Facts((*pairs, ("Written", _today()))),))


def _version(package: str) -> str:
    """Return the version of an installed package; nothing where there is none."""
    names = (
        (package, f"{package}-cuda13x", f"{package}-cuda12x") if package == "cupy" else [package]
    )
    for name in names:
        try:
            return str(metadata.version(name))
        except metadata.PackageNotFoundError:
            continue
    return ""


def _today() -> str:
    seconds = float(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
