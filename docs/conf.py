"""How the pages are built: `make vignettes` makes HTML in build/site that opens from disk.

The sources are the pages of docs/ and vignettes/, and what is beside the README. Pages that start
as notebooks in Markdown are run; an error or a warning anywhere ends the build. Nothing of the
result is fetched from a network: formulas are MathML, and scripts, fonts and styles are the theme's
files.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import statdl  # noqa: E402  (the version that is documented)

project = "statdl"
author = "The statdl authors"
copyright = author
version = release = statdl.__version__
language = "en"

root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "vignettes/**",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "tests/reference/README.md",
]
exclude_patterns = [".*", "build", "dist", "**/.ipynb_checkpoints"]
source_suffix = {".md": "myst-nb"}
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "myst_nb",
    "mathml",
    "reference",
]

# docs/reference/ is made from the docstrings, by the directive of reference.py.
autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_maximum_signature_line_length = 80

html_theme = "pydata_sphinx_theme"
html_title = "statdl"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_extra_path = ["_extra"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_domain_indices = False
html_show_search_summary = False  # pages cannot read one another when opened from disk
html_sidebars = {"docs/index": []}
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "statdl"},
    "navbar_align": "left",
    "navbar_persistent": [],
    "navbar_end": ["search-button", "theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "header_links_before_dropdown": 5,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_dmath_double_inline = True

# Every page is run each time it is read, where it lies, and must end without an error.
nb_execution_mode = "force"
nb_execution_raise_on_error = False  # but a warning, with which -W fails once all pages are done
nb_execution_timeout = 300
nb_execution_show_tb = True
nb_merge_streams = True
nb_output_stderr = "warn"  # a page says what it wants to say on stdout
nb_ipywidgets_js = {}  # no page has widgets, whose scripts would come from a network
# One look for every picture, and one thread for each of the two pages that run at a time.
os.environ["MATPLOTLIBRC"] = str(HERE / "matplotlibrc")
for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")
