//! A simulated photograph of a picture that is shown on an LCD screen: the replay attack in one function.
//!
//! What gives such a photograph away is in it: the grid of red, green and blue stripes, the moire between that grid and
//! the camera's, the bezel, the lifted blacks and the reflection of a lamp, a lens that is not quite sharp, and JPEG.
//! All plain image maths, the same result every time.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, Rgb, RgbImage};

/// Longer side of the photograph, pixels.
const PHOTO: f32 = 960.0;
/// Longer side of the lit part of the screen on the photograph, pixels.
const SCREEN: f32 = 760.0;
/// Width of a screen pixel on the photograph, pixels. Not a whole number: the beat between the grids is the moire.
const PITCH: f32 = 2.3;
/// The camera is not held straight, radians.
const TILT: f32 = 0.035;
/// Width of the bezel, pixels of the photograph.
const BEZEL: f32 = 34.0;
/// Light of a screen that shows black, 0..1, linear.
const BLACK: f32 = 0.015;
/// Light of the wall behind and of the bezel, 0..1, linear.
const WALL: [f32; 3] = [0.30, 0.28, 0.25];
const PLASTIC: [f32; 3] = [0.012, 0.012, 0.014];
/// Samples per pixel and axis: what one cell of the sensor gathers.
const SAMPLES: u32 = 3;
/// Radius of the lens blur, pixels.
const BLUR: f32 = 1.3;
/// JPEG quality of the camera, 1..100.
const QUALITY: u8 = 85;

/// Photographs `picture` from a screen. The result is a JPEG whose longer side has 960 pixels.
#[must_use]
pub fn recapture(picture: &DynamicImage) -> Vec<u8> {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let zoom = SCREEN / width.max(height);
    let lit = [width * zoom, height * zoom];
    let screen = Screen::showing(picture, lit);
    let border = PHOTO - SCREEN;
    let photo = RgbImage::from_fn(
        (lit[0] + border) as u32,
        (lit[1] + border) as u32,
        |x, y| {
            let light = screen.gather(x, y, [lit[0] + border, lit[1] + border]);
            Rgb(light.map(encode))
        },
    );
    let photo = imageops::blur(&photo, BLUR);
    let mut jpeg = Vec::new();
    // Fails only if the writer does, and a vector does not.
    let _ = JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&photo);
    jpeg
}

/// The lit screen: one picture pixel per screen pixel.
struct Screen {
    pixels: RgbImage,
    /// Size on the photograph, pixels.
    lit: [f32; 2],
    /// Light by pixel value.
    linear: [f32; 256],
}

// === impl Screen ===

impl Screen {
    fn showing(picture: &DynamicImage, lit: [f32; 2]) -> Self {
        let count = lit.map(|side| ((side / PITCH) as u32).max(1));
        let pixels = picture.resize_exact(count[0], count[1], FilterType::Triangle);
        Self {
            pixels: pixels.into_rgb8(),
            lit,
            linear: std::array::from_fn(|value| (value as f32 / 255.0).powf(2.2)),
        }
    }

    /// What the sensor's cell at `x`, `y` of a photograph of `size` sees, linear.
    fn gather(&self, x: u32, y: u32, size: [f32; 2]) -> [f32; 3] {
        let mut sum = [0.0; 3];
        for sample in 0..SAMPLES * SAMPLES {
            let offset = |index: u32| (index as f32 + 0.5) / SAMPLES as f32;
            let at = [
                x as f32 + offset(sample % SAMPLES) - size[0] / 2.0,
                y as f32 + offset(sample / SAMPLES) - size[1] / 2.0,
            ];
            let light = self.light(at);
            sum = std::array::from_fn(|channel| sum[channel] + light[channel]);
        }
        let lamp = reflection(x as f32 / size[0], y as f32 / size[1]);
        sum.map(|light| light / (SAMPLES * SAMPLES) as f32 + lamp)
    }

    /// Light from a point, in pixels of the photograph from its centre.
    fn light(&self, [x, y]: [f32; 2]) -> [f32; 3] {
        let (sin, cos) = TILT.sin_cos();
        let across = x * cos + y * sin + self.lit[0] / 2.0;
        let down = y * cos - x * sin + self.lit[1] / 2.0;
        let outside = (-across)
            .max(across - self.lit[0])
            .max(-down)
            .max(down - self.lit[1]);
        if outside > BEZEL {
            return WALL;
        }
        if outside >= 0.0 {
            return PLASTIC;
        }
        self.emitted(across / PITCH, down / PITCH)
    }

    /// Light of the screen itself, at a point in screen pixels: in each pixel three upright stripes side by side, each of
    /// one colour, with dark lines between the pixels.
    fn emitted(&self, across: f32, down: f32) -> [f32; 3] {
        let column = (across as u32).min(self.pixels.width() - 1);
        let row = (down as u32).min(self.pixels.height() - 1);
        let Rgb(values) = *self.pixels.get_pixel(column, row);
        let stripe = (across.fract() * 3.0) as usize;
        let gap = down.fract() > 0.82 || (across.fract() * 3.0).fract() > 0.85;
        std::array::from_fn(|channel| {
            let value = self.linear[usize::from(values[channel])];
            let lit = if gap || channel != stripe { 0.12 } else { 3.2 };
            value * lit + BLACK
        })
    }
}

/// A lamp behind the camera, mirrored in the upper right of the glass. Coordinates 0..1, linear light.
fn reflection(x: f32, y: f32) -> f32 {
    let distance = ((x - 0.72) / 0.22).powi(2) + ((y - 0.22) / 0.16).powi(2);
    0.3 * (-distance).exp()
}

fn encode(light: f32) -> u8 {
    (light.clamp(0.0, 1.0).powf(1.0 / 2.2) * 255.0).round() as u8
}
