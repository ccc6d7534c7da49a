"""What each method brings along for the laws; see tests/laws/tiny.py, `own`."""
