//! Two ways to resize, because the two networks were trained on different ones.
//!
//! [`shrink`] averages over what a target pixel covers. [`crop_exact`] interpolates between the four nearest source
//! pixels and nothing else, half-pixel centres, edges repeated, as the reference code of the anti-spoofing network did;
//! averaging instead costs that network a third of its discrimination.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

use super::Region;

/// The whole picture so that its longer side has at most `longest` pixels, anti-aliased; never enlarged.
#[must_use]
pub fn shrink(picture: &RgbImage, longest: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let whole = Region {
        left: 0,
        top: 0,
        width,
        height,
    };
    shrink_region(picture, whole, longest)
}

/// The same of a part of the picture.
#[must_use]
pub fn shrink_region(picture: &RgbImage, region: Region, longest: u32) -> RgbImage {
    let factor = (f64::from(longest) / f64::from(region.width.max(region.height))).min(1.0);
    let scaled = |side: u32| ((f64::from(side) * factor).round() as u32).max(1);
    let (width, height) = (scaled(region.width), scaled(region.height));
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .crop(
            f64::from(region.left),
            f64::from(region.top),
            f64::from(region.width),
            f64::from(region.height),
        );
    let mut shrunk = RgbImage::new(width, height);
    let source =
        TypedImageRef::<U8x3>::from_buffer(picture.width(), picture.height(), picture.as_raw());
    let target = TypedImage::<U8x3>::from_buffer(width, height, &mut shrunk);
    if let (Ok(source), Ok(mut target)) = (source, target) {
        // Fails only for a region outside the picture, which `Region` rules out.
        let _ = Resizer::new().resize_typed(&source, &mut target, &options);
    }
    shrunk
}

/// A part of the picture as `side` x `side` planes, blue first, interpolated without anti-aliasing.
#[must_use]
pub fn crop_exact(picture: &RgbImage, region: Region, side: u32) -> Vec<f32> {
    let columns = taps(region.left, region.width, side);
    let rows = taps(region.top, region.height, side);
    let stride = picture.width() as usize * 3;
    let pixels = picture.as_raw();
    let plane = (side * side) as usize;
    let mut planes = vec![0.0; 3 * plane];
    let (blue, rest) = planes.split_at_mut(plane);
    let (green, red) = rest.split_at_mut(plane);
    let mut targets = blue.iter_mut().zip(green).zip(red);
    for row in &rows {
        let upper = pixels.get(row.first * stride..).unwrap_or_default();
        let lower = pixels.get(row.second * stride..).unwrap_or_default();
        for (column, ((blue, green), red)) in columns.iter().zip(&mut targets) {
            let at = |line: &[u8], tap: usize| {
                let pixel = line
                    .get(tap * 3..tap * 3 + 3)
                    .and_then(|pixel| pixel.first_chunk());
                pixel.map_or([0.0; 3], |pixel: &[u8; 3]| pixel.map(f32::from))
            };
            let upper = mix(
                at(upper, column.first),
                at(upper, column.second),
                column.weight,
            );
            let lower = mix(
                at(lower, column.first),
                at(lower, column.second),
                column.weight,
            );
            [*red, *green, *blue] = mix(upper, lower, row.weight);
        }
    }
    planes
}

/// Where one target pixel looks along one axis.
struct Tap {
    first: usize,
    second: usize,
    /// Share of the second, 0..1.
    weight: f32,
}

fn taps(start: u32, length: u32, side: u32) -> Vec<Tap> {
    let scale = f64::from(length) / f64::from(side);
    let last = length - 1;
    (0..side)
        .map(|target| {
            let centre = ((f64::from(target) + 0.5) * scale - 0.5).clamp(0.0, f64::from(last));
            let first = centre as u32;
            Tap {
                first: (start + first) as usize,
                second: (start + (first + 1).min(last)) as usize,
                weight: (centre - f64::from(first)) as f32,
            }
        })
        .collect()
}

fn mix(first: [f32; 3], second: [f32; 3], weight: f32) -> [f32; 3] {
    std::array::from_fn(|channel| {
        let (first, second) = (first[channel], second[channel]);
        first + (second - first) * weight
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red counts the pixels, green is constant, blue is ten times red.
    fn ramp(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let value = (y * width + x) as u8;
            image::Rgb([value, 7, value * 10])
        })
    }

    fn region(left: u32, top: u32, width: u32, height: u32) -> Region {
        Region {
            left,
            top,
            width,
            height,
        }
    }

    #[test]
    fn the_exact_crop_matches_values_computed_by_hand() {
        // Two pixels to four: centres at -0.25, 0.25, 0.75, 1.25 of the source, clamped to 0..1.
        let picture = RgbImage::from_raw(2, 2, vec![0, 7, 0, 1, 7, 10, 2, 7, 20, 3, 7, 30]);
        let planes = crop_exact(&picture.expect("size"), region(0, 0, 2, 2), 4);
        #[rustfmt::skip]
        let red = [
            0.0, 0.25, 0.75, 1.0,
            0.5, 0.75, 1.25, 1.5,
            1.5, 1.75, 2.25, 2.5,
            2.0, 2.25, 2.75, 3.0,
        ];
        assert_eq!(planes[32..], red);
        assert!(planes[16..32].iter().all(|green| *green == 7.0));
        assert!(
            planes[..16]
                .iter()
                .zip(red)
                .all(|(blue, red)| *blue == 10.0 * red)
        );
    }

    #[test]
    fn shrinking_exactly_skips_pixels_and_takes_no_average() {
        // Eight pixels to two: centres at 1.5 and 5.5, so that pixels 0, 3, 4 and 7 have no say.
        let planes = crop_exact(&ramp(8, 1), region(0, 0, 8, 1), 2);
        assert_eq!(planes[8..], [1.5, 5.5, 1.5, 5.5]);
        // A part is measured from its own corner: columns 2..6 have their centres at 2.5 and 4.5.
        let planes = crop_exact(&ramp(8, 1), region(2, 0, 4, 1), 2);
        assert_eq!(planes[8..], [2.5, 4.5, 2.5, 4.5]);
    }

    #[test]
    fn shrinking_averages_and_never_enlarges() {
        let checks = RgbImage::from_fn(64, 32, |x, y| image::Rgb([((x + y) % 2 * 255) as u8; 3]));
        let small = shrink(&checks, 16);
        assert_eq!(small.dimensions(), (16, 8));
        assert!(
            small
                .as_raw()
                .iter()
                .all(|value| (126..=129).contains(value))
        );
        assert_eq!(shrink(&checks, 100), checks);
        assert_eq!(shrink(&RgbImage::new(6000, 1), 320).dimensions(), (320, 1));
    }
}
