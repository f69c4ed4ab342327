"""What fits can run on."""

from __future__ import annotations

from statdl.backend.device import find_devices
from statdl.report import DataTable


def devices() -> DataTable:
    """Return what fits can run on here, and why not on the rest.

    ``device="cuda"`` in a fit, ``with sd.device("cuda"):`` around several, or CuPy arrays as data
    choose a card; ``fit.device`` says where a fit ran.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.devices()["usable"][0]
    'yes'
    """
    found = find_devices()
    return DataTable(
        "device",
        tuple(one.name for one in found),
        {
            "usable": tuple("yes" if one.usable else "no" for one in found),
            "what": tuple(one.description if one.usable else None for one in found),
        },
        title="Devices",
        notes=tuple(f"{one.name}: {one.description}" for one in found if not one.usable),
    )
