"""What a screen reader finds in the window: one JSON object an accessible thing, over the AT-SPI bus of this session.

With `wait` as the argument: asks for accessibility first, as a screen reader does, and waits until the window shows itself.
"""

import json
import sys
import time

from gi.repository import Gio, GLib

if sys.argv[1:] == ["wait"]:
    value = GLib.Variant("(ssv)", ("org.a11y.Status", "IsEnabled", GLib.Variant("b", True)))
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    bus.call_sync(
        "org.a11y.Bus", "/org/a11y/bus", "org.freedesktop.DBus.Properties", "Set", value, None, 0, 20000, None
    )

import pyatspi


def window():
    desktop = pyatspi.Registry.getDesktop(0)
    for index in range(desktop.childCount):
        application = desktop.getChildAtIndex(index)
        if application and application.name == "wirewatch" and application.childCount:
            return application.getChildAtIndex(0)
    return None


def tell(thing):
    """Prints one thing and all that is in it. A table's row may go while it is read: then it is not in the window any more."""
    try:
        children = shown(thing)
    except GLib.GError:
        return
    for child in children:
        tell(child)


def shown(thing):
    states = thing.getState()
    try:
        actions = thing.queryAction().nActions
    except NotImplementedError:
        actions = 0
    what = {
        "role": thing.getRoleName(),
        "name": thing.name or "",
        "focusable": states.contains(pyatspi.STATE_FOCUSABLE),
        "actions": actions,
    }
    children = [thing.getChildAtIndex(index) for index in range(thing.childCount)]
    print(json.dumps(what))
    return [child for child in children if child]


until = time.time() + 60
found = window()
while found is None and time.time() < until:
    time.sleep(0.2)
    found = window()
if found is None:
    sys.exit("no window of wirewatch on the accessibility bus")
tell(found)
