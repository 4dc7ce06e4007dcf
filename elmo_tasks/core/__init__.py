"""The basis of all other rooms: errors, files, settings, paths and memory. Independent of torch and tasks."""
