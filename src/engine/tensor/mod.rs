//! From pictures to what networks take: planes of numbers, blue first, 0..255, batch x channels x height x width.
//!
//! Both networks want the same order and range, and are sensitive to *how* a picture is resized: the one that finds
//! faces to aliasing, the one that judges them to its absence (it looks for traces that smoothing removes).

mod resize;

pub use resize::{crop_exact, shrink, shrink_region};

use image::RgbImage;

/// An area of a picture in whole pixels; inside the picture, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// First column.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// Lays a picture into the top left corner of black planes of `width` x `height`, which must not be smaller.
#[must_use]
pub fn letterbox(picture: &RgbImage, width: usize, height: usize) -> Vec<f32> {
    let plane = width * height;
    let mut planes = vec![0.0; 3 * plane];
    let (blue, rest) = planes.split_at_mut(plane);
    let (green, red) = rest.split_at_mut(plane);
    let row_of_picture = picture.width() as usize * 3;
    let rows = picture.as_raw().chunks_exact(row_of_picture);
    let targets = blue
        .chunks_exact_mut(width)
        .zip(green.chunks_exact_mut(width))
        .zip(red.chunks_exact_mut(width));
    for (row, ((blue, green), red)) in rows.zip(targets) {
        let pixels = row.as_chunks::<3>().0.iter();
        for (([r, g, b], blue), (green, red)) in pixels
            .zip(blue.iter_mut())
            .zip(green.iter_mut().zip(red.iter_mut()))
        {
            *blue = f32::from(*b);
            *green = f32::from(*g);
            *red = f32::from(*r);
        }
    }
    planes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letterbox_is_blue_first_at_the_top_left_and_black_elsewhere() {
        let picture = RgbImage::from_raw(2, 1, vec![1, 2, 3, 4, 5, 6]).expect("size");
        #[rustfmt::skip]
        let expected = [
            3.0, 6.0, 0.0,  0.0, 0.0, 0.0,
            2.0, 5.0, 0.0,  0.0, 0.0, 0.0,
            1.0, 4.0, 0.0,  0.0, 0.0, 0.0,
        ];
        assert_eq!(letterbox(&picture, 3, 2), expected);
    }
}
