"""What Gaitway promises in figures, measured: `python -m bench [case ...]`. README.md says what and how."""
