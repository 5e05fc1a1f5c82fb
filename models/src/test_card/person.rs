//! What the seed decides: the person, the light and the place.

use super::colour::{Rgb, mix};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The Monk Skin Tone scale, lightest to darkest: Ellis Monk, "Monk Skin Tone Scale", 2019, <https://skintone.google>.
const MONK_SKIN_TONES: [u32; 10] =
    [0xf6ede4, 0xf3e7db, 0xf7ead0, 0xeadaba, 0xd7bd96, 0xa07e56, 0x825c43, 0x604134, 0x3a312a, 0x292420];

const HAIR: [u32; 8] = [0x14100e, 0x1f1713, 0x3a2618, 0x5a3b22, 0x8a5a2b, 0xc9a063, 0x8f3b1c, 0x9b9a97];
const EYES: [u32; 5] = [0x2a1a10, 0x4a2d17, 0x6b4a25, 0x4d6b46, 0x4f7594];
const CLOTHES: [u32; 8] = [0x2f3e56, 0x7b2d32, 0x3f5f45, 0xc2b59b, 0x4b4b4f, 0x8a6d9a, 0xd9d6d0, 0x27262b];
const WALLS: [u32; 8] = [0xd8d2c4, 0x9fb3bd, 0x6d7a68, 0xb98f72, 0x4a5563, 0xe6e3dd, 0x7d6c86, 0x35332f];

/// Soft shapes on the wall.
pub(super) const BLOBS: usize = 5;

fn hex(value: u32) -> Rgb {
    [16, 8, 0].map(|shift| (value >> shift & 0xff) as f32 / 255.0)
}

/// How the hair is worn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum HairStyle {
    Bald,
    Short,
    SidePart,
    Fringe,
    Long,
    Curly,
}

/// The light on the scene.
#[derive(Clone, Copy, Debug)]
pub(super) struct Light {
    /// Unit vector towards the light: x right, y down, z towards the camera.
    pub towards: [f32; 3],
    /// Share of light that comes from everywhere, 0 to 1.
    pub ambient: f32,
    /// Overall gain of the picture.
    pub exposure: f32,
    /// Gain of red, green and blue.
    pub tint: [f32; 3],
}

/// One person in one place.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub skin: Rgb,
    pub hair: Rgb,
    pub hair_style: HairStyle,
    pub iris: Rgb,
    pub lips: Rgb,
    pub clothes: Rgb,
    pub walls: [Rgb; 2],
    /// Soft blobs behind the person: centre, radius (fractions of the shorter side), colour.
    pub blobs: [([f32; 2], f32, Rgb); BLOBS],
    /// Head: half width and half height in face units, and how much the jaw narrows, 0 to 1.
    pub head: [f32; 2],
    pub jaw: f32,
    pub eye_gap: f32,
    pub eye_size: f32,
    pub brow_weight: f32,
    pub nose_width: f32,
    pub nose_length: f32,
    pub mouth_width: f32,
    pub lip_fullness: f32,
    /// 0 none, up to 1 a dense beard.
    pub beard: f32,
    pub moustache: bool,
    pub light: Light,
    /// Face unit as a fraction of the shorter side.
    pub size: f32,
    /// Offset of the head from the middle, fractions of the shorter side.
    pub place: [f32; 2],
    /// Tilt in radians.
    pub roll: f32,
    /// How strongly expressions show, 0 to 1.
    pub intensity: f32,
    /// Whether anger bares the teeth instead of pressing the lips.
    pub bares_teeth: bool,
    /// Whether a smile opens the mouth wide.
    pub laughs: bool,
    /// Phases of the motions, in turns.
    pub phases: [f32; 6],
    /// Noise a step of random byte difference adds, in levels.
    pub noise: f32,
    pub noise_seed: u32,
}

impl Person {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut within = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
        let tone = within(0.0, 9.0);
        let index = (tone as usize).min(8);
        let skin = mix(hex(MONK_SKIN_TONES[index]), hex(MONK_SKIN_TONES[index + 1]), tone - index as f32);
        // The swatches are flat; living skin scatters red light from within.
        let skin = [1.05 * skin[0], skin[1], 0.95 * skin[2]];
        let pick =
            |colours: &[u32], at: f32| hex(colours[((at * colours.len() as f32) as usize).min(colours.len() - 1)]);
        // Fair hair and light eyes go with the lighter half of the scale.
        let shades = if tone < 4.5 { &HAIR[..] } else { &HAIR[..3] };
        let hair = pick(shades, within(0.0, 1.0));
        let iris = pick(if tone < 4.5 { &EYES[..] } else { &EYES[..2] }, within(0.0, 1.0));
        let styles = [
            HairStyle::Short,
            HairStyle::SidePart,
            HairStyle::Long,
            HairStyle::Fringe,
            HairStyle::Curly,
            HairStyle::Short,
            HairStyle::Long,
            HairStyle::Bald,
        ];
        let hair_style = styles[(within(0.0, 8.0) as usize).min(7)];
        // Lips are the skin's own colour, redder and darker.
        let blood = within(0.5, 0.8);
        let lips = [skin[0] * (1.02 - 0.12 * blood), skin[1] * (1.0 - 0.5 * blood), skin[2] * (1.0 - 0.45 * blood)];
        let clothes = pick(&CLOTHES, within(0.0, 1.0));
        let walls = [pick(&WALLS, within(0.0, 1.0)), pick(&WALLS, within(0.0, 1.0))];
        let walls = [walls[0], mix(walls[0], walls[1], within(0.2, 0.7))];
        let blobs = [(); BLOBS].map(|()| {
            let centre = [within(-0.8, 0.8), within(-0.55, 0.55)];
            (centre, within(0.08, 0.3), mix(walls[0], pick(&WALLS, within(0.0, 1.0)), within(0.3, 0.8)))
        });
        let bearded = !matches!(hair_style, HairStyle::Long | HairStyle::Fringe) && within(0.0, 1.0) < 0.35;
        let beard = if bearded { within(0.3, 0.9) } else { 0.0 };
        let (azimuth, height) = (within(-1.1, 1.1), within(-0.9, 0.05));
        let towards = [azimuth.sin() * height.cos(), height.sin(), azimuth.cos() * height.cos()];
        // Cameras expose for the face: a darker one gets a longer exposure, though not all the way.
        let luma = 0.299 * skin[0] + 0.587 * skin[1] + 0.114 * skin[2];
        let exposure = (0.62 / luma).clamp(0.8, 2.4).powf(0.75) * within(0.8, 1.12);
        let warmth = within(-0.03, 0.08);
        let light = Light { towards, ambient: within(0.5, 0.75), exposure, tint: [1.0 + warmth, 1.0, 1.0 - warmth] };
        Self {
            skin,
            hair,
            hair_style,
            iris,
            lips,
            clothes,
            walls,
            blobs,
            head: [within(0.92, 1.06), within(1.2, 1.36)],
            jaw: within(0.04, 0.2),
            eye_gap: within(0.39, 0.45),
            eye_size: within(1.0, 1.2),
            brow_weight: within(0.75, 1.35),
            nose_width: within(0.85, 1.25),
            nose_length: within(0.9, 1.1),
            mouth_width: within(0.9, 1.12),
            lip_fullness: within(0.7, 1.3),
            beard,
            moustache: bearded && within(0.0, 1.0) < 0.7,
            light,
            size: within(0.335, 0.39),
            place: [within(-0.035, 0.035), within(-0.02, 0.045)],
            roll: within(-0.09, 0.09),
            intensity: within(0.72, 1.0),
            bares_teeth: within(0.0, 1.0) < 0.3,
            laughs: within(0.0, 1.0) < 0.6,
            phases: [(); 6].map(|()| within(0.0, 1.0)),
            noise: within(0.002, 0.014),
            noise_seed: (within(0.0, 1.0) * 1e9) as u32,
        }
    }
}
