"""Arrays, special functions and linear algebra. No statistics live here."""

from statdl.backend.memory import keep_freed_memory

keep_freed_memory()
