//! Layer 3: the only sockets: DNS, TCP, proxy, TLS, HTTP, WebSocket, with the time of each phase.
