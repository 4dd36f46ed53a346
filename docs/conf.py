"""Sphinx configuration of the documentation."""

from pathlib import Path

import tomllib

_cargo = tomllib.loads((Path(__file__).parent.parent / "Cargo.toml").read_text())

project = "mwaalib"
author = "the authors of mwaalib"
release = version = _cargo["workspace"]["package"]["version"]
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"mwaalib {release}"
nitpicky = True
