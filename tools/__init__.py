"""Programs that build the tables of READMEs and docs from the records in results/. Not part of the wheel."""
