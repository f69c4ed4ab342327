from statdl.storage.file import read_fit as read_fit
from statdl.storage.file import write_fit as write_fit

__all__: list[str]
