"""What `gaitway doctor` looks at, in the order in which it says it. To add a check: a function and a line in CHECKS."""

from gaitway.cli.doctor_checks import folder, log, phone, server, token, warehouse
from gaitway.ops.doctor import Check

CHECKS: tuple[Check, ...] = (
    Check("folder", folder.exists),
    Check("rights", folder.writable),
    Check("disk", folder.free_disk),
    Check("server", folder.held_by),
    Check("leftovers", folder.leftovers),
    Check("log", log.segments),
    Check("databases", log.databases),
    Check("warehouse", warehouse.position),
    Check("files", warehouse.files),
    Check("views", warehouse.views),
    Check("port", server.port),
    Check("address", server.answers),
    Check("ready", server.ready),
    Check("exposure", server.exposure),
    Check("token", token.in_folder),
    Check("token", token.at_server),
    Check("phone", phone.in_folder),
    Check("phone", phone.at_server),
)
