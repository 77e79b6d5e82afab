//! How well a face can be judged: plain image maths, before any network has an opinion on it.
//!
//! Every measure has two levels. Below the milder one a flag is raised and the face is still judged; below the harder
//! one it is not judged, because the anti-spoofing network is known to be wrong there: without a margin, on greyscale
//! and on blurred pictures it takes up to half of all genuine faces for copies.

use image::RgbImage;

use super::detect::Face;
use super::liveness;
use super::tensor::{self, Region};

/// A measure's two levels.
struct Levels {
    /// Flagged below.
    flag: f64,
    /// Not judged below.
    refuse: f64,
}

/// Energy of the finest detail of the face, relative to its contrast, at the size of [`PATCH`].
const SHARPNESS: Levels = Levels {
    flag: 0.02,
    refuse: 0.008,
};
/// Mean luma of the face, 0..255.
const BRIGHTNESS: Levels = Levels {
    flag: 45.0,
    refuse: 20.0,
};
/// Shorter side of the face, pixels.
const FACE: Levels = Levels {
    flag: 80.0,
    refuse: 36.0,
};
/// Shorter side of the picture, pixels.
const PICTURE_FLAG: f64 = 240.0;
/// How often the face must fit into the picture.
const ROOM_REFUSE: f64 = 1.3;
/// How far the box may reach beyond the picture, as a share of its side.
const CUT_REFUSE: f64 = 0.1;
/// Mean distance between the strongest and the weakest channel, 0..255, below which a face has no colour.
const COLOUR_REFUSE: f64 = 4.0;

/// The longer side of the face patch that is measured, pixels: large enough for detail, so small that phone cameras and
/// video calls look alike.
const PATCH: u32 = 112;

/// What was measured of one face and its picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// Energy of the finest detail relative to the contrast; about 0.02 at the edge of blurred.
    pub sharpness: f64,
    /// Mean luma of the face, 0..255.
    pub brightness: f64,
    /// Mean distance between the strongest and the weakest channel, 0..255.
    pub colour: f64,
    /// Shorter side of the face, pixels.
    pub face_side: f64,
    /// Shorter side of the picture, pixels.
    pub picture_side: f64,
    /// How often the face fits into the picture.
    pub room: f64,
    /// How far the box reaches beyond the picture, as a share of its side.
    pub cut: f64,
}

/// Measures a face.
#[must_use]
pub fn measure(picture: &RgbImage, face: &Face) -> Quality {
    let (width, height) = picture.dimensions();
    let patch = tensor::shrink_region(picture, inside(face, width, height), PATCH);
    let pixels = patch.as_raw().as_chunks::<3>().0;
    let luma: Vec<f64> = pixels.iter().map(luma).collect();
    let brightness = mean(luma.iter().copied());
    let colour = mean(pixels.iter().map(|[r, g, b]| {
        let strongest = r.max(g).max(b);
        let weakest = r.min(g).min(b);
        f64::from(strongest - weakest)
    }));
    Quality {
        sharpness: sharpness(&luma, patch.width() as usize),
        brightness,
        colour,
        face_side: f64::from(face.width.min(face.height)),
        picture_side: f64::from(width.min(height)),
        room: liveness::room(face, (width, height)),
        cut: cut(face.left, face.width, width).max(cut(face.top, face.height, height)),
    }
}

// === impl Quality ===

impl Quality {
    /// Why the face is not judged, if it is not.
    #[must_use]
    pub fn refusal(&self) -> Option<&'static str> {
        if self.face_side < FACE.refuse {
            Some("the face is too small to judge")
        } else if self.room < ROOM_REFUSE || self.cut > CUT_REFUSE {
            Some("the face needs more of the picture around it")
        } else if self.brightness < BRIGHTNESS.refuse {
            Some("the face is too dark to judge")
        } else if self.colour < COLOUR_REFUSE {
            Some("the picture has no colour")
        } else if self.sharpness < SHARPNESS.refuse {
            Some("the face is too blurred to judge")
        } else {
            None
        }
    }

    /// Blurred or too dark to judge well.
    #[must_use]
    pub fn blur_or_dark(&self) -> bool {
        self.sharpness < SHARPNESS.flag || self.brightness < BRIGHTNESS.flag
    }

    /// Too few pixels on the face to judge well.
    #[must_use]
    pub fn face_too_small(&self) -> bool {
        self.face_side < FACE.flag
    }

    /// Too few pixels in the picture to judge well.
    #[must_use]
    pub fn image_too_small(&self) -> bool {
        self.picture_side < PICTURE_FLAG
    }

    /// Grade of the face region, 0..1: that of its worst measure. From 0.5 up, no flag is raised.
    #[must_use]
    pub fn face_grade(&self) -> f64 {
        grade(self.sharpness, SHARPNESS.flag)
            .min(grade(self.brightness, BRIGHTNESS.flag))
            .min(grade(self.face_side, FACE.flag))
    }

    /// Grade of the picture as a whole, 0..1, usable from 0.5 up.
    #[must_use]
    pub fn grade(&self) -> f64 {
        self.face_grade()
            .min(grade(self.picture_side, PICTURE_FLAG))
    }
}

/// 0 for nothing, 0.5 at the flag, towards 1 beyond.
fn grade(measured: f64, flag: f64) -> f64 {
    let (measured, flag) = (measured.max(0.0).powi(2), flag.powi(2));
    measured / (measured + flag)
}

fn luma([red, green, blue]: &[u8; 3]) -> f64 {
    0.299 * f64::from(*red) + 0.587 * f64::from(*green) + 0.114 * f64::from(*blue)
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

/// Mean square of the Laplacian over the variance. A ratio, so that neither exposure nor contrast counts as blur.
fn sharpness(luma: &[f64], width: usize) -> f64 {
    let average = mean(luma.iter().copied());
    let variance = mean(luma.iter().map(|value| (value - average).powi(2)));
    let rows: Vec<&[f64]> = luma.chunks_exact(width).collect();
    let (mut energy, mut count) = (0.0, 0.0);
    for three in rows.windows(3) {
        let [above, row, below] = three else { continue };
        let middles = row.windows(3).zip(above.iter().zip(*below).skip(1));
        for (around, (above, below)) in middles {
            if let [left, middle, right] = around {
                energy += (above + below + left + right - 4.0 * middle).powi(2);
                count += 1.0;
            }
        }
    }
    if count == 0.0 || variance == 0.0 {
        return 0.0;
    }
    energy / count / variance
}

/// The part of the box that is inside the picture.
fn inside(face: &Face, width: u32, height: u32) -> Region {
    let span = |start: f32, length: f32, extent: u32| {
        let first = (start.max(0.0) as u32).min(extent - 1);
        let end = (start + length).ceil().max(0.0) as u32;
        (first, end.clamp(first + 1, extent) - first)
    };
    let (left, width) = span(face.left, face.width, width);
    let (top, height) = span(face.top, face.height, height);
    Region {
        left,
        top,
        width,
        height,
    }
}

/// How far a span reaches beyond `0..extent` at its worse end, as a share of its length.
fn cut(start: f32, length: f32, extent: u32) -> f64 {
    let before = -f64::from(start);
    let after = f64::from(start) + f64::from(length) - f64::from(extent);
    before.max(after).max(0.0) / f64::from(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Quality = Quality {
        sharpness: 0.2,
        brightness: 130.0,
        colour: 50.0,
        face_side: 200.0,
        picture_side: 480.0,
        room: 2.5,
        cut: 0.0,
    };

    fn face(left: f32, top: f32, width: f32, height: f32) -> Face {
        Face {
            left,
            top,
            width,
            height,
            score: 1.0,
            points: [[0.0; 2]; 5],
        }
    }

    #[test]
    fn a_flag_and_a_grade_below_one_half_go_together() {
        assert!(GOOD.face_grade() > 0.8 && GOOD.grade() > 0.7);
        let blurred = Quality {
            sharpness: SHARPNESS.flag * 0.99,
            ..GOOD
        };
        let dark = Quality {
            brightness: BRIGHTNESS.flag * 0.99,
            ..GOOD
        };
        let small = Quality {
            face_side: FACE.flag * 0.99,
            ..GOOD
        };
        for worse in [blurred, dark, small] {
            assert!(worse.blur_or_dark() || worse.face_too_small());
            assert!(worse.face_grade() < 0.5 && worse.face_grade() > 0.45);
            assert_eq!(worse.refusal(), None);
        }
        let little = Quality {
            picture_side: 200.0,
            ..GOOD
        };
        assert!(little.image_too_small() && little.grade() < 0.5 && little.face_grade() > 0.8);
    }

    #[test]
    fn a_patch_is_measured_for_what_it_is() {
        let checks = RgbImage::from_fn(100, 100, |x, y| {
            image::Rgb(if (x + y) % 2 == 0 {
                [200, 100, 50]
            } else {
                [100, 50, 0]
            })
        });
        let measured = measure(&checks, &face(20.0, 20.0, 40.0, 50.0));
        // Each pixel differs from its four neighbours by 2 sigma: (4 * 2 sigma)^2 / sigma^2.
        assert!((measured.sharpness - 64.0).abs() < 1e-6);
        assert!((measured.colour - 125.0).abs() < 1e-6);
        assert!((measured.brightness - 91.725).abs() < 1e-6);
        assert_eq!((measured.face_side, measured.picture_side), (40.0, 100.0));
        assert!((measured.room - 99.0 / 50.0).abs() < 1e-6);
        assert_eq!(measured.cut, 0.0);
    }

    #[test]
    fn boxes_beyond_the_picture_are_measured_inside_it() {
        let picture = RgbImage::from_pixel(60, 60, image::Rgb([90, 90, 90]));
        for outside in [
            face(-30.0, 10.0, 40.0, 40.0),
            face(55.0, 55.0, 40.0, 40.0),
            face(90.0, -90.0, 9.0, 9.0),
        ] {
            let measured = measure(&picture, &outside);
            assert!((measured.brightness - 90.0).abs() < 1e-6);
            assert_eq!(measured.sharpness, 0.0);
            assert!(measured.cut > 0.5);
            assert!(measured.refusal().is_some());
        }
    }
}
