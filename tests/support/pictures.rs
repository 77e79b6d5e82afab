//! Pictures for tests: the sample portrait and ways to encode it.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, Rgb, RgbImage};
use livegate::engine::weights::PORTRAIT;

use super::models::models;

/// The sample portrait, 512 x 512: one face, upright, sharp, in colour.
pub fn portrait(models: &Path) -> RgbImage {
    let file = models.join("astronaut.png");
    image::open(&file)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        .into_rgb8()
}

/// Encodes as JPEG of that quality, 1..100.
pub fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(picture)
        .expect("encodes");
    bytes
}

/// Encodes as PNG.
pub fn png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("encodes");
    bytes.into_inner()
}

/// Adds an EXIF segment that says how a viewer must turn the picture (1..8).
pub fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08".to_vec();
    // One entry: tag 0x0112, type SHORT, count 1, value, no next directory.
    exif.extend([0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    exif.extend([0; 4]);
    let length = u16::try_from(exif.len() + 2).expect("short");
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xff, 0xe1]);
    bytes.extend(length.to_be_bytes());
    bytes.extend(exif);
    bytes.extend(&jpeg[2..]);
    bytes
}

/// The file of the sample portrait.
pub fn portrait_file() -> PathBuf {
    models().join(PORTRAIT)
}

/// A simulated photo of the sample portrait on a screen.
pub fn recapture() -> Vec<u8> {
    livegate::simulate::recapture::recapture(&portrait(&models()).into())
}

/// A picture with no face in it: a colour ramp.
pub fn without_a_face() -> Vec<u8> {
    png(&RgbImage::from_fn(320, 240, |x, y| {
        Rgb([x as u8, y as u8, 128])
    }))
}

/// The head of a PNG of that size, with no picture behind it.
pub fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut chunk = b"IHDR".to_vec();
    chunk.extend(width.to_be_bytes());
    chunk.extend(height.to_be_bytes());
    chunk.extend([8, 2, 0, 0, 0]);
    let mut crc = flate2::Crc::new();
    crc.update(&chunk);
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    png.extend(chunk);
    png.extend(crc.sum().to_be_bytes());
    png
}
