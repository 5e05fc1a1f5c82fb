//! Values as a configuration file writes them, each refused with what is allowed.

use super::{CAMERA_SIDE, THREADS};
use crate::lights::board::HIGHEST_PIN;
use serde::de::{Error, IntoDeserializer, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

/// Checks that a number lies within bounds; the error says what is allowed.
///
/// # Errors
/// It does not, or is no number.
pub fn within(value: f64, bounds: (f64, f64)) -> Result<f64, String> {
    if (bounds.0..=bounds.1).contains(&value) { Ok(value) } else { Err(takes(bounds)) }
}

/// What a number within bounds is called, for those who gave something else.
pub fn takes((low, high): (f64, f64)) -> String {
    format!("takes a number from {low} to {high}")
}

struct Number((f64, f64));

impl Visitor<'_> for Number {
    type Value = f64;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.0;
        write!(out, "a number from {low} to {high}")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
        within(value, self.0).map_err(|takes| E::custom(format!("{takes}, not {value}")))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
        self.visit_f64(value as f64)
    }
}

pub(super) fn number<'de, D: Deserializer<'de>>(input: D, bounds: (f64, f64)) -> Result<f64, D::Error> {
    input.deserialize_f64(Number(bounds))
}

pub(super) fn share<'de, D: Deserializer<'de>>(input: D) -> Result<f32, D::Error> {
    Ok(number(input, (0.0, 1.0))? as f32)
}

fn threshold<'de, D: Deserializer<'de>>(input: D) -> Result<f32, D::Error> {
    let value = share(input)?;
    if value > 0.0 { Ok(value) } else { Err(D::Error::custom("takes a number above 0 and at most 1, not 0")) }
}

/// A number from 0 to 1.
#[derive(Deserialize)]
struct Share(#[serde(deserialize_with = "share")] f32);

/// A number above 0 and at most 1.
#[derive(Deserialize)]
struct Threshold(#[serde(deserialize_with = "threshold")] f32);

pub(super) fn shares<'de, D: Deserializer<'de>>(input: D) -> Result<BTreeMap<String, f32>, D::Error> {
    let values = BTreeMap::<String, Share>::deserialize(input)?;
    Ok(values.into_iter().map(|(label, share)| (label, share.0)).collect())
}

pub(super) fn thresholds<'de, D: Deserializer<'de>>(input: D) -> Result<BTreeMap<String, f32>, D::Error> {
    let values = BTreeMap::<String, Threshold>::deserialize(input)?;
    Ok(values.into_iter().map(|(label, threshold)| (label, threshold.0)).collect())
}

struct Pin;

impl Visitor<'_> for Pin {
    type Value = u8;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a BCM number from 0 to {HIGHEST_PIN}")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<u8, E> {
        match u8::try_from(value) {
            Ok(pin) if pin <= HIGHEST_PIN => Ok(pin),
            _ => Err(E::invalid_value(serde::de::Unexpected::Signed(value), &self)),
        }
    }
}

pub(super) fn pin<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u8>, D::Error> {
    input.deserialize_u8(Pin).map(Some)
}

struct Threads;

impl Visitor<'_> for Threads {
    type Value = NonZeroUsize;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a whole number from 1 to {THREADS}")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<NonZeroUsize, E> {
        let threads = usize::try_from(value).ok().filter(|&threads| threads <= THREADS).and_then(NonZeroUsize::new);
        threads.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Signed(value), &self))
    }
}

pub(super) fn threads<'de, D: Deserializer<'de>>(input: D) -> Result<NonZeroUsize, D::Error> {
    input.deserialize_u64(Threads)
}

struct Side;

impl Visitor<'_> for Side {
    type Value = u32;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a whole number of pixels from {} to {}", CAMERA_SIDE.0, CAMERA_SIDE.1)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<u32, E> {
        match u32::try_from(value) {
            Ok(side) if (CAMERA_SIDE.0..=CAMERA_SIDE.1).contains(&side) => Ok(side),
            _ => Err(E::invalid_value(serde::de::Unexpected::Signed(value), &self)),
        }
    }
}

pub(super) fn side<'de, D: Deserializer<'de>>(input: D) -> Result<u32, D::Error> {
    input.deserialize_u32(Side)
}

/// A text with a meaning of its own.
pub(super) fn from_text<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(input: D) -> Result<T, D::Error> {
    String::deserialize(input)?.parse().map_err(D::Error::custom)
}

/// One of a few words.
pub(super) fn word<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<T, D::Error> {
    T::deserialize(String::deserialize(input)?.into_deserializer())
}
