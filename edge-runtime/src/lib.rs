//! Runs on the device with the camera: frames in, one light per mood out.
//!
//! [`source`] captures on a thread of its own and hands frames over through a one-slot [`mailbox`]. [`pipeline`] takes
//! each through [`track`], the classifier of `emotion_models`, [`mood`] and [`lights`]. [`output`] reports it on
//! another thread, and [`service`] notifies systemd. [`config`], [`cli`] and [`setup`] put the parts together, and
//! [`commands`] runs them. [`doctor`] checks the machine, and [`exit`] gives the exit codes. [`photo`] and [`annotate`]
//! are what `classify` does with whole photos.

mod accounts;
pub mod annotate;
pub mod cli;
pub mod commands;
pub mod config;
pub mod doctor;
pub mod event;
pub mod exit;
pub mod frame;
pub mod histogram;
mod home;
pub mod lights;
pub mod mailbox;
pub mod memory;
pub mod mood;
pub mod output;
pub mod photo;
pub mod pipeline;
pub mod pixels;
mod plural;
pub mod precision;
pub mod service;
pub mod setup;
pub mod signals;
pub mod source;
pub mod summary;
pub mod track;
