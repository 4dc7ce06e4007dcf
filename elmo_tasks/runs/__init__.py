"""A trained run: its folder, its record, how it is loaded, applied, scored and shared. Never imports Lightning."""
