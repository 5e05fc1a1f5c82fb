//! What the mood and the frame number decide: how the face moves.

use super::person::Person;
use std::f32::consts::TAU;

/// Frames from one blink to the next, and frames a blink takes.
const BLINK_PERIOD: f32 = 110.0;
const BLINK_FRAMES: f32 = 5.0;

/// Small motion of head, eyes and light at one frame.
pub(super) struct Motion {
    /// Of the head, fractions of the picture's shorter side.
    pub sway: [f32; 2],
    /// In radians.
    pub roll: f32,
    /// Of the eyes, -1 to 1.
    pub gaze: [f32; 2],
    /// 0 open, 1 shut.
    pub blink: f32,
    /// Gain of the light.
    pub flicker: f32,
    /// Gain of the expression.
    pub swell: f32,
}

impl Motion {
    pub(super) fn at(person: &Person, frame: u64) -> Self {
        // Every motion repeats within 100 000 frames, so that a float counts them exactly.
        let time = (frame % 100_000) as f32;
        let [a, b, c, d, e, f] = person.phases;
        let wave = |period: f32, phase: f32| (TAU * (time / period + phase)).sin();
        let since_blink = (time + f * BLINK_PERIOD) % BLINK_PERIOD;
        let blink = if since_blink < BLINK_FRAMES {
            (std::f32::consts::PI * (since_blink + 0.5) / BLINK_FRAMES).sin()
        } else {
            0.0
        };
        Self {
            sway: [0.012 * wave(97.0, a) + 0.004 * wave(31.0, c), 0.008 * wave(73.0, b) + 0.003 * wave(23.0, d)],
            roll: 0.03 * wave(131.0, d),
            gaze: [0.5 * wave(160.0, e), 0.3 * wave(210.0, a)],
            blink,
            flicker: 1.0 + 0.02 * wave(7.3, c) + 0.01 * wave(3.1, e),
            swell: 0.94 + 0.06 * wave(64.0, b),
        }
    }
}

/// How far each part of the face moves, from 0 at rest; the comments name the action units.
#[derive(Clone, Copy, Default)]
pub(super) struct Expression {
    /// Inner ends of the brows, up positive (AU 1; AU 4 lowers).
    pub brow_inner: f32,
    /// Outer ends of the brows, up positive (AU 2).
    pub brow_outer: f32,
    /// Brows drawn together (AU 4).
    pub brow_gather: f32,
    /// Upper lids: 1 open, 0 shut (AU 5 opens, AU 7 tightens).
    pub lid_open: f32,
    /// Outer end of the upper lid lower than the inner, as in sadness; negative for the scowl's slant.
    pub lid_droop: f32,
    /// Lower lids raised (AU 6, AU 7).
    pub lid_raise: f32,
    /// Cheeks raised (AU 6).
    pub cheeks: f32,
    /// Nose wings spread and the root wrinkled (AU 9, AU 38).
    pub nose: f32,
    /// Corners of the mouth, up positive (AU 12; AU 15 lowers).
    pub corners: f32,
    /// Mouth's width (AU 12 and AU 20 widen, AU 18 and AU 23 narrow).
    pub widen: f32,
    /// Lips parted, showing teeth (AU 25).
    pub open: f32,
    /// Jaw dropped (AU 26).
    pub jaw: f32,
    /// Lips pressed to a line (AU 24).
    pub press: f32,
    /// Teeth clenched behind squared lips (AU 10 and AU 16 with AU 25).
    pub bare: f32,
    /// Chin pushed up (AU 17).
    pub chin: f32,
    /// Creases across the middle of the forehead (AU 1).
    pub forehead: f32,
    /// Creases between the brows (AU 4).
    pub frown: f32,
}

impl Expression {
    pub(super) fn of(label: &str, person: &Person, motion: &Motion) -> Self {
        let amount = person.intensity * motion.swell;
        let calm = Self { lid_open: 0.85, ..Self::default() };
        let full = match label {
            "angry" => {
                let face = Self {
                    brow_inner: -1.0,
                    brow_outer: 0.35,
                    brow_gather: 1.0,
                    lid_open: 0.62,
                    lid_droop: -1.0,
                    lid_raise: 0.55,
                    nose: 0.9,
                    frown: 1.0,
                    ..calm
                };
                if person.bares_teeth {
                    Self { corners: -0.4, widen: 0.05, bare: 1.0, ..face }
                } else {
                    Self { corners: -0.25, widen: -0.05, press: 1.0, chin: 0.3, ..face }
                }
            }
            "happy" => Self {
                brow_inner: 0.15,
                brow_outer: 0.2,
                lid_open: 0.66,
                lid_raise: 1.0,
                cheeks: 1.0,
                corners: 1.0,
                widen: 1.0,
                open: 1.0,
                jaw: if person.laughs { 1.0 } else { 0.3 },
                ..calm
            },
            "sad" => Self {
                brow_inner: 1.0,
                brow_outer: -0.7,
                brow_gather: 0.45,
                lid_open: 0.6,
                lid_droop: 1.0,
                lid_raise: 0.1,
                corners: -1.0,
                widen: -0.2,
                chin: 0.8,
                forehead: 1.0,
                ..calm
            },
            _ => calm,
        };
        let blend = |rest: f32, moved: f32| rest + (moved - rest) * amount;
        let open = blend(calm.lid_open, full.lid_open);
        Self {
            brow_inner: blend(0.0, full.brow_inner),
            brow_outer: blend(0.0, full.brow_outer),
            brow_gather: blend(0.0, full.brow_gather),
            lid_open: open * (1.0 - motion.blink),
            lid_droop: blend(0.0, full.lid_droop),
            lid_raise: blend(0.0, full.lid_raise),
            cheeks: blend(0.0, full.cheeks),
            nose: blend(0.0, full.nose),
            corners: blend(0.0, full.corners),
            widen: blend(0.0, full.widen),
            open: blend(0.0, full.open),
            jaw: blend(0.0, full.jaw),
            press: blend(0.0, full.press),
            bare: blend(0.0, full.bare),
            chin: blend(0.0, full.chin),
            forehead: blend(0.0, full.forehead),
            frown: blend(0.0, full.frown),
        }
    }
}
