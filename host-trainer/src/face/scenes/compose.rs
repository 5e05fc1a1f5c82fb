//! Scene composition: training pictures made of parts of photos, as a camera in a room might see them.
//!
//! Data sets show faces large and in the middle; a camera shows them at any size, anywhere. So a scene draws a face, then its size,
//! uniform in the logarithm so that small faces come as often as large ones, then its position. Classes and photos are drawn by square
//! roots of their faces, since a camera mostly sees one person and rarely a crowd. Photos without a face teach what is none; hard
//! negatives repeat what the net last mistook; pasted crops keep it from learning that certain rooms are always empty.
//! Pixels, boxes and ignored faces move together, so that targets stay exact. A scene depends on seed, epoch and index alone:
//! any number of threads makes the same ones, and a resumed run goes on with them.

use super::occlusion::occlude;
use super::photometric;
use super::view::{Canvas, View};
use crate::face::options::Scenes;
use crate::face::photos::{CROP_FACE, Photo, PhotoFace, Photos};
use crate::random::{Purpose, stream};
use emotion_models::Rect;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A face of a scene.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SceneFace {
    /// Its bounding box in pixels of the scene; may reach outside.
    pub rect: Rect,
    /// Neither to be found nor to be taken for something else.
    pub ignored: bool,
    /// Its box is noisy, as that of a pasted crop or another detector's.
    pub noisy: bool,
}

/// A training picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Grey, 0 to 255, row by row.
    pub pixels: Vec<u8>,
    /// Its faces.
    pub faces: Vec<SceneFace>,
}

/// A hard negative: where the net found a face that is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HardNegative {
    /// Index of the photo.
    pub photo: usize,
    /// What it took for a face, in pixels of the photo's first plane.
    pub rect: Rect,
}

/// Faces narrower than this fraction of the scene's width are ignored.
pub const MIN_FACE_WIDTH: f32 = 0.05;
/// Faces of which less than this share is visible are ignored.
const MIN_VISIBLE: f32 = 0.5;
/// A photo's pixels are shown at most this many times as large.
const MAX_UPSCALE: f32 = 2.5;
/// Grey that letterboxes are filled with.
const PADDING: f32 = 128.0;
/// Share of scenes that are flipped.
const MIRRORED: f32 = 0.5;

/// Composes scenes of a fixed size.
pub struct Composer<'a> {
    photos: &'a Photos,
    settings: &'a Scenes,
    hard_negatives: &'a [HardNegative],
    size: [usize; 2],
    /// By class, the photos with faces of it that are large enough, and which faces these are.
    by_class: Vec<Vec<(usize, Vec<usize>)>>,
    /// Square roots of the classes' sizes, summed up: rarer classes are seen more often than their share.
    classes: Vec<f32>,
    faceless: Vec<usize>,
}

impl<'a> Composer<'a> {
    /// For scenes of `width` x `height` pixels.
    pub fn new(photos: &'a Photos, settings: &'a Scenes, hard_negatives: &'a [HardNegative], size: [usize; 2]) -> Self {
        let mut by_class: Vec<Vec<(usize, Vec<usize>)>> = vec![vec![]; photos.classes.len()];
        for (index, photo) in photos.photos.iter().enumerate() {
            for (class, photos) in by_class.iter_mut().enumerate() {
                let counts = |(_, face): &(usize, &PhotoFace)| {
                    face.class == class && !face.invalid && face.rect.width >= 10.0 && face.rect.height >= 10.0
                };
                let faces: Vec<usize> = photo.faces.iter().enumerate().filter(counts).map(|(at, _)| at).collect();
                if !faces.is_empty() {
                    photos.push((index, faces));
                }
            }
        }
        let mut sum = 0.0;
        let add = |class: &Vec<(usize, Vec<usize>)>| {
            sum += (class.iter().map(|(_, faces)| faces.len()).sum::<usize>() as f32).sqrt();
            sum
        };
        let classes = by_class.iter().map(add).collect();
        let faceless = (0..photos.photos.len()).filter(|&index| photos.photos[index].faces.is_empty()).collect();
        Composer { photos, settings, hard_negatives, size, by_class, classes, faceless }
    }

    /// The scene number `index` of an epoch; it depends on nothing else.
    pub fn scene(&self, seed: u64, epoch: usize, index: usize) -> Scene {
        let random = &mut stream(Purpose::Scene, seed, epoch as u64 + 1, index as u64);
        let [width, height] = self.size;
        let fill = if random.random_bool(0.5) { PADDING } else { random.random_range(0.0..256.0) };
        let mut canvas = Canvas { width, height, values: vec![fill; width * height] };
        if !self.faceless.is_empty() && random.random::<f32>() < self.settings.background {
            let area = [0, 0, width, height];
            let (photo, view) = self.view_without_face(area, random);
            canvas.draw(&self.photos.photos[photo].planes, &view, area, |_, _| 1.0);
        }
        let mut faces = vec![];
        if random.random::<f32>() < self.settings.mosaic {
            let x = (random.random_range(0.35..0.65) * width as f32) as usize;
            let y = (random.random_range(0.35..0.65) * height as f32) as usize;
            for area in [[0, 0, x, y], [x, 0, width, y], [0, y, x, height], [x, y, width, height]] {
                self.compose_part(&mut canvas, area, &mut faces, random);
            }
        } else {
            self.compose_part(&mut canvas, [0, 0, width, height], &mut faces, random);
        }
        for face in &faces {
            if !face.ignored && random.random::<f32>() < self.settings.occlusion {
                occlude(&mut canvas, face.rect, random);
            }
        }
        photometric::jitter(&mut canvas, self.settings, random);
        let pixels = canvas.values.iter().map(|value| (value + 0.5) as u8).collect();
        Scene { pixels, faces }
    }

    /// One photo's part, in one area of the scene.
    fn compose_part(&self, canvas: &mut Canvas, area: [usize; 4], faces: &mut Vec<SceneFace>, random: &mut ChaCha8Rng) {
        let settings = self.settings;
        let kind = random.random::<f32>();
        let faceless = self.faceless.is_empty() || kind >= settings.without_face;
        if !faceless {
            return self.compose_without_face(canvas, area, faces, random);
        }
        let Some((photo, face)) = self.sample_face(random) else { return };
        let photo = &self.photos.photos[photo];
        let view = if kind < settings.without_face + settings.whole_photo {
            self.view_whole(photo, area, random)
        } else {
            self.view_around(photo.faces[face].rect, photo.faces[face].invalid, area, random)
        };
        canvas.draw(&photo.planes, &view, area, |_, _| 1.0);
        for face in &photo.faces {
            self.add_face(view.box_in_scene(face.rect), (face.invalid, photo.noisy_boxes), area, faces);
        }
        if !self.photos.crops.is_empty() && random.random::<f32>() < settings.copy_paste_extra {
            self.paste_crop(canvas, area, faces, random);
        }
    }

    /// Of a class's photos one of twenty faces is drawn about four times as often as one of a single face, not twenty times: those
    /// that show one person are what a camera sees, and are few.
    fn sample_face(&self, random: &mut ChaCha8Rng) -> Option<(usize, usize)> {
        let all = *self.classes.last()?;
        let wanted = random.random::<f32>() * all;
        let class = self.classes.iter().position(|&sum| wanted < sum)?;
        let photos = &self.by_class[class];
        let sum = photos.iter().map(|(_, faces)| (faces.len() as f32).sqrt()).sum::<f32>();
        let mut left = random.random::<f32>() * sum;
        let reached = |(_, faces): &&(usize, Vec<usize>)| {
            left -= (faces.len() as f32).sqrt();
            left < 0.0
        };
        let (photo, faces) = photos.iter().find(reached).or(photos.last())?;
        Some((*photo, faces[random.random_range(0..faces.len())]))
    }

    fn sample_angle(&self, random: &mut ChaCha8Rng) -> f32 {
        let (share, most) = self.settings.rotation;
        if random.random::<f32>() < share && most > 0.0 { random.random_range(-most..=most).to_radians() } else { 0.0 }
    }

    fn sample_aspect(&self, random: &mut ChaCha8Rng) -> [f32; 2] {
        let most = self.settings.aspect_jitter.abs();
        [0; 2].map(|_| random.random_range(-most..=most).exp())
    }

    /// A whole photo within the area, its proportions kept, give or take a little.
    fn view_whole(&self, photo: &Photo, [left, top, right, bottom]: [usize; 4], random: &mut ChaCha8Rng) -> View {
        let [width, height] = photo.size();
        let (columns, rows) = ((right - left).max(1) as f32, (bottom - top).max(1) as f32);
        let scale = (width / columns).max(height / rows) * random.random_range(0.75f32..1.15);
        let middle = [(left + right) as f32 / 2.0, (top + bottom) as f32 / 2.0];
        let moved = [width, height].map(|side| side * random.random_range(0.45..0.55));
        let view = View::new(moved, middle, scale, 0.3 * self.sample_angle(random), random.random::<f32>() < MIRRORED);
        view.with_aspect(middle, self.sample_aspect(random))
    }

    /// A view in which `rect` takes a random share of the area's width and lies anywhere in it.
    fn view_around(&self, rect: Rect, far: bool, area: [usize; 4], random: &mut ChaCha8Rng) -> View {
        let [left, top, right, bottom] = area.map(|side| side as f32);
        let (columns, rows) = ((right - left).max(1.0), (bottom - top).max(1.0));
        let [smallest, largest] = self.settings.face_sizes;
        let share = random.random_range(smallest.ln()..=largest.ln()).exp();
        let share = if far { smallest } else { share };
        let scale = (rect.width / (share * columns)).max(1.0 / MAX_UPSCALE);
        let (width, height) = (rect.width / scale, rect.height / scale);
        // Mostly whole, sometimes cut off by an edge.
        let over = if random.random_bool(0.15) { 0.35 } else { 0.0 };
        let within = |start: f32, size: f32, own: f32, random: &mut ChaCha8Rng| {
            let (low, high) = (start + own * (0.5 - over), start + size - own * (0.5 - over));
            if low < high { random.random_range(low..high) } else { start + size * random.random_range(0.4..0.6) }
        };
        let at = [within(left, columns, width, random), within(top, rows, height, random)];
        let view = View::new(rect.centre(), at, scale, self.sample_angle(random), random.random::<f32>() < MIRRORED);
        view.with_aspect(at, self.sample_aspect(random))
    }

    fn compose_without_face(
        &self,
        canvas: &mut Canvas,
        area: [usize; 4],
        faces: &mut Vec<SceneFace>,
        random: &mut ChaCha8Rng,
    ) {
        let copy_paste = !self.photos.crops.is_empty() && random.random::<f32>() < self.settings.copy_paste;
        let from_hard_negative =
            !copy_paste && !self.hard_negatives.is_empty() && random.random::<f32>() < self.settings.hard_negatives;
        let (photo, view) = if from_hard_negative {
            let hard_negative = self.hard_negatives[random.random_range(0..self.hard_negatives.len())];
            let Rect { x, y, width, height } = hard_negative.rect;
            (
                hard_negative.photo,
                self.view_around(Rect::new(x, y, width.max(8.0), height.max(8.0)), false, area, random),
            )
        } else {
            self.view_without_face(area, random)
        };
        canvas.draw(&self.photos.photos[photo].planes, &view, area, |_, _| 1.0);
        if copy_paste {
            for _ in 0..random.random_range(1..=2) {
                self.paste_crop(canvas, area, faces, random);
            }
        }
    }

    /// A part of a photo without a face; there must be one.
    fn view_without_face(&self, area: [usize; 4], random: &mut ChaCha8Rng) -> (usize, View) {
        let index = self.faceless[random.random_range(0..self.faceless.len())];
        let [width, height] = self.photos.photos[index].size();
        let zoom = random.random_range(0.25f32..1.1);
        let [across, down] = [width, height].map(|side| (side * zoom).max(8.0));
        let middle = [
            across / 2.0 + random.random::<f32>() * (width - across),
            down / 2.0 + random.random::<f32>() * (height - down),
        ];
        let scale = (across / (area[2] - area[0]).max(1) as f32).max(down / (area[3] - area[1]).max(1) as f32);
        let scale = scale.max(1.0 / MAX_UPSCALE);
        let at = [(area[0] + area[2]) as f32 / 2.0, (area[1] + area[3]) as f32 / 2.0];
        (index, View::new(middle, at, scale, self.sample_angle(random), random.random::<f32>() < MIRRORED))
    }

    /// A face crop whose edges fade into what is there.
    fn paste_crop(&self, canvas: &mut Canvas, area: [usize; 4], faces: &mut Vec<SceneFace>, random: &mut ChaCha8Rng) {
        let crop = &self.photos.crops[random.random_range(0..self.photos.crops.len())];
        let Some(first) = crop.planes.first() else { return };
        let [width, height] = [first.width as f32, first.height as f32];
        let Rect { x, y, width: w, height: h } = CROP_FACE;
        let face = Rect::new(x * width, y * height, w * width, h * height);
        let view = self.view_around(face, false, area, random);
        let new = view.box_in_scene(face);
        // One face before another would leave half a face there.
        if faces.iter().any(|face| overlap_of_smaller(face.rect, new) > 0.05) {
            return;
        }
        let fade = random.random_range(0.02f32..0.14);
        // An ellipse in some, which leaves hair and ears away.
        let round = random.random_bool(0.4);
        let cover = move |x: f32, y: f32| {
            let edge = if round {
                1.0 - ((x - 0.5) / 0.5).hypot((y - 0.52) / 0.52)
            } else {
                2.0 * x.min(1.0 - x).min(y).min(1.0 - y)
            };
            (edge / (2.0 * fade)).clamp(0.0, 1.0)
        };
        canvas.draw(&crop.planes, &view, area, cover);
        self.add_face(new, (false, true), area, faces);
    }

    /// Takes note of a face, unless nothing of it is in the area.
    fn add_face(&self, rect: Rect, (invalid, noisy): (bool, bool), area: [usize; 4], faces: &mut Vec<SceneFace>) {
        let bounds = Rect::new(area[0] as f32, area[1] as f32, (area[2] - area[0]) as f32, (area[3] - area[1]) as f32);
        let visible = rect.intersection(bounds) / rect.area().max(1e-6);
        if visible <= 0.05 {
            return;
        }
        let small = rect.width < MIN_FACE_WIDTH * self.size[0] as f32;
        faces.push(SceneFace { rect, ignored: invalid || small || visible < MIN_VISIBLE, noisy });
    }
}

/// The intersection of two boxes, as a share of the smaller one.
fn overlap_of_smaller(a: Rect, b: Rect) -> f32 {
    a.intersection(b) / a.area().min(b.area()).max(1e-6)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::face::batches::SceneMaker;
    use crate::face::photos::{Plane, pyramid};
    use crate::train::prefetch::{MakeBatch, prefetch};
    use emotion_models::PixelMap;
    use std::sync::Arc;

    /// A black photo with white rectangles for faces.
    fn photo(faces: &[[usize; 4]], class: usize) -> Photo {
        let (width, height) = (240, 180);
        let mut pixels = vec![0; width * height];
        for [x, y, w, h] in faces {
            (*y..y + h).for_each(|row| pixels[row * width + x..][..*w].fill(255));
        }
        let annotated =
            |rect: &[usize; 4]| PhotoFace { rect: rect.map(|side| side as f32).into(), class, invalid: false };
        let faces = faces.iter().map(annotated).collect();
        Photo {
            path: "photo".into(),
            planes: pyramid(Plane { width, height, pixels }),
            faces,
            reduction: 1.0,
            noisy_boxes: false,
        }
    }

    fn photos(photos: Vec<Photo>) -> Photos {
        Photos { photos, classes: vec!["one".into(), "other".into()], crops: vec![] }
    }

    /// Nothing changed but place and size.
    fn plain() -> Scenes {
        let none = Scenes {
            whole_photo: 0.0,
            without_face: 0.0,
            mosaic: 0.0,
            background: 0.0,
            copy_paste_extra: 0.0,
            occlusion: 0.0,
            ..Scenes::default()
        };
        Scenes { rotation: (0.0, 0.0), downscale: 0.0, photometric_jitter: 0.0, blur: 0.0, noise: 0.0, ..none }
    }

    #[test]
    fn boxes_lie_where_the_faces_are_drawn() {
        let photos = photos(vec![photo(&[[60, 40, 40, 50]], 0)]);
        let settings = plain();
        let composer = Composer::new(&photos, &settings, &[], [160, 120]);
        let mut seen = 0;
        for index in 0..200 {
            let scene = composer.scene(1, 0, index);
            for face in scene.faces.iter().filter(|face| !face.ignored) {
                let Rect { x, y, width, height } = face.rect;
                // The sum of what is in a part, and its pixels.
                let sum = |Rect { x, y, width, height }| {
                    let inside = |value: f32, most: usize| (value.max(0.0) as usize).min(most);
                    let (left, right) = (inside(x, 160), inside(x + width, 160));
                    let (top, bottom) = (inside(y, 120), inside(y + height, 120));
                    let rows = (top..bottom).flat_map(|row| &scene.pixels[row * 160 + left..row * 160 + right]);
                    let sum: f64 = rows.map(|&pixel| f64::from(pixel)).sum();
                    (sum, ((right - left) * (bottom - top)) as f64)
                };
                let grown = |by: f32| Rect::new(x - by, y - by, width + 2.0 * by, height + 2.0 * by);
                let [(within, own), (about, near), (beyond, wide)] = [-2.0, 2.0, 6.0].map(|by| sum(grown(by)));
                assert!(within / own > 240.0, "scene {index}: {face:?}");
                assert!((beyond - about) / (wide - near) < 15.0, "scene {index}: {face:?}");
                seen += 1;
            }
        }
        assert!(seen > 150, "{seen}");
    }

    #[test]
    fn noisy_boxes_stay_noisy() {
        for noisy in [false, true] {
            let photos = photos(vec![Photo { noisy_boxes: noisy, ..photo(&[[60, 40, 40, 50]], 0) }]);
            let settings = plain();
            let composer = Composer::new(&photos, &settings, &[], [160, 120]);
            let faces: Vec<SceneFace> = (0..20).flat_map(|index| composer.scene(1, 0, index).faces).collect();
            assert!(faces.len() > 15 && faces.iter().all(|face| face.noisy == noisy), "{faces:?}");
        }
    }

    #[test]
    fn a_photo_of_nine_is_seen_three_times_as_often_as_one_of_one() {
        let crowd: Vec<[usize; 4]> = (0..9).map(|at| [20 + at % 3 * 60, 20 + at / 3 * 50, 20, 25]).collect();
        let photos = photos(vec![photo(&crowd, 0), photo(&[[90, 60, 60, 75]], 0), photo(&[[20, 20, 40, 50]], 1)]);
        let settings = plain();
        let composer = Composer::new(&photos, &settings, &[], [160, 120]);
        let random = &mut stream(Purpose::Scene, 1, 0, 0);
        let mut counts = [0; 3];
        (0..4000).for_each(|_| counts[composer.sample_face(random).unwrap().0] += 1);
        let [crowd, alone, other] = counts.map(f64::from);
        assert!((crowd / alone - 3.0).abs() < 0.3, "{counts:?}");
        // Square roots of ten faces and of one.
        assert!(((crowd + alone) / other - 10f64.sqrt()).abs() < 0.4, "{counts:?}");
    }

    #[test]
    fn batches_are_the_same_on_any_number_of_threads() {
        let maker = || SceneMaker {
            photos: Arc::new(photos(vec![photo(&[[60, 40, 40, 50]], 0), photo(&[[20, 20, 60, 75]], 1), photo(&[], 0)])),
            scenes: Scenes::default(),
            hard_negatives: Arc::default(),
            size: [160, 120],
            cells: [20, 15],
            pixel_map: PixelMap::SIGNED,
            seed: 1,
            epoch: 2,
            batch_size: 2,
            steps: 9,
        };
        for threads in [1, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let made: Vec<Vec<f32>> =
                pool.install(|| prefetch(maker(), 3).map(|batch| batch.unwrap().pixels).collect());
            let expected: Vec<Vec<f32>> = (3..9).map(|step| maker().make(step).unwrap().pixels).collect();
            assert!(made == expected, "{threads} threads");
        }
    }
}
