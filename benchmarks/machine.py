"""What the numbers were measured on."""

from __future__ import annotations

import datetime
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ("statdl", "numpy", "scipy", "statsmodels", "scikit-learn", "torch")


def facts() -> dict[str, Any]:
    """The processor, cores, versions, linear algebra library, its threads, and the day."""
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": versions(),
        "blas": blas(),
        "blas_threads": blas_threads(),
    }


def cpu() -> str:
    """The processor's own name where Linux tells it."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Versions of the packages that are installed, and of R."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    rscript = shutil.which("Rscript")
    if rscript is not None:
        expression = "cat(as.character(getRversion()))"
        run = subprocess.run([rscript, "-e", expression], capture_output=True, text=True)
        found["R"] = run.stdout.strip()
    return found


def blas() -> str:
    """The linear algebra library NumPy was built with."""
    config: Any = np.show_config(mode="dicts")
    library = config["Build Dependencies"]["blas"]
    return f"{library['name']} {library['version']}"


def blas_threads() -> int | None:
    """How many threads it uses, where threadpoolctl can ask."""
    if importlib.util.find_spec("threadpoolctl") is None:
        return None
    pools = importlib.import_module("threadpoolctl").threadpool_info()
    return max((pool["num_threads"] for pool in pools if pool["user_api"] == "blas"), default=None)
