//! The history as its users see it.

mod fixture;
mod reading;
mod writing;
