//! View-models: what a panel shows, as text and numbers, built only when something changed and tested without egui.

pub mod audit;
pub mod axis;
pub mod composer;
pub mod detail;
pub mod editor;
pub mod events;
pub mod fields;
pub mod filter;
pub mod header;
pub mod last_check;
pub mod link;
pub mod lint;
pub mod local;
pub mod pages;
pub mod plots;
pub mod reproduce;
pub mod roster;
pub mod sides;
pub mod top;
pub mod why;
pub mod words;
