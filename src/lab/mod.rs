//! Layer 3: real servers on loopback that misbehave to order.
