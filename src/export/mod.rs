//! Layer 3: what leaves the program: JSONL, CSV, figures.
