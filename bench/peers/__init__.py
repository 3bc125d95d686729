"""The usual way, to stand beside: Flask's server, json, one publish per reading, a consumer that windows."""
