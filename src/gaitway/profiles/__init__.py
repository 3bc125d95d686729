"""Profiles: the only place where rooms meet. `embedded` is one machine; its processes are `front` and `engine`."""
