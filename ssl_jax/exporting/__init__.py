"""Encoders out of the library and into it: by the names of other libraries, as files, each export with a receipt."""
