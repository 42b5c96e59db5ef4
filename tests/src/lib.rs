//! The harness of the whole-program tests: programs of this workspace and real peers, started on loopback.
