"""ELMo inside other libraries: scikit-learn estimators and spaCy components."""
