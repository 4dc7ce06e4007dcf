"""What people see in a terminal or as a picture: progress, tables, plots."""
