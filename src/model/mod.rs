//! Layer 2: the live picture that the faces draw: series, lanes, rosters. `apply(&Event)` is its only way to change.
