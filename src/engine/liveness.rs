//! Judges whether a face was in front of the camera, with a passive anti-spoofing network of three classes: a living
//! face, a flat copy (print, screen), a shaped one (mask).
//!
//! The network looks at a square around the face. Two squares of different width are judged and the mean is taken: the
//! narrow one sees the skin, the wide one the edges of paper and screens.

use image::RgbImage;

use super::detect::Face;
use super::network::{Network, NetworkError};
use super::tensor::{self, Region};

/// What the network takes, pixels.
const SIDE: u32 = 128;
/// How much wider and higher than the face the two areas are.
const SCALES: [f64; 2] = [1.5, 2.7];

/// Probability that the face is live, 0..1: the mean of both areas.
///
/// # Errors
///
/// If the network fails or is not the one described here.
pub fn live_probability(
    network: &dyn Network,
    picture: &RgbImage,
    face: &Face,
) -> Result<f64, NetworkError> {
    let mut sum = 0.0;
    for scale in SCALES {
        let region = around(face, scale, picture.dimensions());
        let input = tensor::crop_exact(picture, region, SIDE);
        let outputs = network.run([1, 3, SIDE as usize, SIDE as usize], input)?;
        let [logits] = outputs.as_slice() else {
            return Err(NetworkError::Shape);
        };
        let [live, flat, shaped] = logits.as_slice() else {
            return Err(NetworkError::Shape);
        };
        sum += first_of_softmax([*live, *flat, *shaped]);
    }
    Ok(sum / SCALES.len() as f64)
}

/// How often the box of a face fits into a picture, as the factor by which it could grow. Below 1 it does not fit.
#[must_use]
pub fn room(face: &Face, (width, height): (u32, u32)) -> f64 {
    let wide = f64::from(width.saturating_sub(1)) / f64::from(face.width);
    let high = f64::from(height.saturating_sub(1)) / f64::from(face.height);
    wide.min(high)
}

/// The area `scale` times the face, as much smaller as the picture demands, moved into the picture rather than cut, as
/// the network was trained.
fn around(face: &Face, scale: f64, (width, height): (u32, u32)) -> Region {
    let scale = scale.min(room(face, (width, height)));
    let (left, columns) = span(face.left, face.width, scale, width);
    let (top, rows) = span(face.top, face.height, scale, height);
    Region {
        left,
        top,
        width: columns,
        height: rows,
    }
}

/// Start and length along one axis of `extent` pixels. The first and last pixel are rounded down, both are inside.
fn span(start: f32, length: f32, scale: f64, extent: u32) -> (u32, u32) {
    let last = f64::from(extent - 1);
    let grown = f64::from(length) * scale;
    let centre = f64::from(start) + f64::from(length) / 2.0;
    let first = (centre - grown / 2.0).min(last - grown).max(0.0);
    let end = (first + grown).min(last);
    let (first, end) = (first as u32, end as u32);
    (first, end - first + 1)
}

fn first_of_softmax(logits: [f32; 3]) -> f64 {
    let logits = logits.map(f64::from);
    let largest = logits.into_iter().fold(f64::NEG_INFINITY, f64::max);
    let powers = logits.map(|logit| (logit - largest).exp());
    powers[0] / powers.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn sides(region: Region) -> [u32; 4] {
        [region.left, region.top, region.width, region.height]
    }

    #[test]
    fn the_area_grows_around_the_centre() {
        let region = around(&face(100.0, 200.0, 40.0, 60.0), 2.0, (1000, 1000));
        assert_eq!(sides(region), [80, 170, 81, 121]);
    }

    #[test]
    fn at_an_edge_the_area_moves_and_keeps_its_size() {
        let size = (400, 300);
        let middle = sides(around(&face(150.0, 100.0, 50.0, 60.0), 2.0, size));
        for (left, top) in [(0.0, 0.0), (-20.0, 100.0), (380.0, 270.0), (150.0, 290.0)] {
            let [left, top, width, height] = sides(around(&face(left, top, 50.0, 60.0), 2.0, size));
            assert_eq!((width, height), (middle[2], middle[3]));
            assert!(left + width <= 400 && top + height <= 300);
        }
    }

    #[test]
    fn a_picture_that_is_too_small_bounds_the_area() {
        // 99 / 66 is the most that fits in height.
        let region = around(&face(60.0, 20.0, 40.0, 66.0), 2.7, (200, 100));
        assert_eq!(sides(region), [50, 0, 61, 100]);
        // A box beyond the picture shrinks to it.
        let region = around(&face(-10.0, -10.0, 300.0, 300.0), 1.5, (200, 200));
        assert_eq!(sides(region), [0, 0, 200, 200]);
    }

    #[test]
    fn softmax_is_stable() {
        assert!((first_of_softmax([1.0, 1.0, 1.0]) - 1.0 / 3.0).abs() < 1e-12);
        assert!((first_of_softmax([1000.0, 0.0, 0.0]) - 1.0).abs() < 1e-12);
        assert!(first_of_softmax([-1000.0, 1000.0, 0.0]) < 1e-12);
    }
}
