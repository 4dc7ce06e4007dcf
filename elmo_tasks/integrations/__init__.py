"""ELMo in other libraries: scikit-learn estimators and spaCy components."""
