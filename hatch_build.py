"""Puts tasks/, configs/ and the published results into the wheel.

A checkout installed with `pip install -e` reads them in place.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RecipesInTheWheel(BuildHookInterface):
    """Adds the folders to regular builds only; hatchling's `force-include` would also do so for editable installs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folders, unless this is an editable build."""
        if version == "standard":
            build_data["force_include"].update(
                {name: f"elmo_tasks/_shipped/{name}" for name in ("tasks", "configs", "results/published.json")}
            )
