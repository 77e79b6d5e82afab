//! Pictures from bytes: JPEG and PNG, upright, or refused.
//!
//! # Design
//!
//! The codecs are called directly, because what must be refused is not what a viewer refuses. A viewer shows the half
//! of a picture that arrived; a judge of faces must not. And what a decoder would gather on the way (profiles, texts,
//! more image data than the header announces) is where bombs hide, so it is skipped or bounded before it is inflated.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use memchr::memmem;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::canonical::ImageFormat;
use crate::media::probe;

/// The largest picture, pixels: 6000 x 6000, the most that any dialect accepts.
const MAX_PIXELS: usize = 36_000_000;

/// Pictures up to this many pixels may be compressed at will; beyond, a file that is smaller than one byte in
/// [`MAX_PIXELS_PER_BYTE`] pixels is no photograph but an attempt to fill the memory.
const FREE_PIXELS: usize = 4_000_000;
const MAX_PIXELS_PER_BYTE: usize = 100;

/// Photographs have about ten scans; each one costs a pass over the whole picture.
const MAX_SCANS: usize = 32;

/// What the PNG decoder may allocate beside the picture: a row or two, and the metadata that it keeps.
const PNG_SCRATCH: usize = 4 << 20;

/// The bytes are not a whole picture in JPEG or PNG, or are larger than any dialect allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the picture cannot be read")]
pub struct Unreadable;

/// Decodes a picture to 8-bit RGB and turns it as its EXIF orientation says.
///
/// # Errors
///
/// See [`Unreadable`].
pub fn decode(bytes: &[u8]) -> Result<RgbImage, Unreadable> {
    let header = probe::read_header(bytes).map_err(|_| Unreadable)?;
    let (width, height) = header.size.ok_or(Unreadable)?;
    let pixels = width as usize * height as usize;
    if pixels > MAX_PIXELS || (pixels > FREE_PIXELS && pixels / MAX_PIXELS_PER_BYTE > bytes.len()) {
        return Err(Unreadable);
    }
    let (picture, exif) = match header.format {
        ImageFormat::Jpeg => decode_jpeg(bytes)?,
        ImageFormat::Png => decode_png(bytes)?,
        ImageFormat::Bmp | ImageFormat::Gif | ImageFormat::Tiff => return Err(Unreadable),
    };
    let orientation = exif
        .and_then(|exif| Orientation::from_exif_chunk(&exif))
        .unwrap_or(Orientation::NoTransforms);
    if orientation == Orientation::NoTransforms {
        return Ok(picture);
    }
    let mut picture = DynamicImage::ImageRgb8(picture);
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}

type Decoded = (RgbImage, Option<Vec<u8>>);

fn decode_jpeg(bytes: &[u8]) -> Result<Decoded, Unreadable> {
    // The decoder notices a missing end only from one row of blocks to the next; the end marker, which cannot occur
    // within the image data, tells whether the last rows are there.
    let frame = probe::walk_jpeg(bytes).ok_or(Unreadable)?;
    let scan = bytes.get(frame.scan..).ok_or(Unreadable)?;
    memmem::rfind(scan, &[0xff, 0xd9]).ok_or(Unreadable)?;

    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(frame.width as usize)
        .set_max_height(frame.height as usize)
        .jpeg_set_max_scans(MAX_SCANS)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let pixels = decoder.decode().map_err(|_| Unreadable)?;
    let picture = RgbImage::from_raw(frame.width, frame.height, pixels).ok_or(Unreadable)?;
    Ok((picture, decoder.exif().cloned()))
}

fn decode_png(bytes: &[u8]) -> Result<Decoded, Unreadable> {
    let limits = png::Limits { bytes: PNG_SCRATCH };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(|_| Unreadable)?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or(Unreadable)?];
    let frame = reader.next_frame(&mut pixels).map_err(|_| Unreadable)?;
    let pixels = to_rgb(pixels, frame.color_type)?;
    let picture = RgbImage::from_raw(frame.width, frame.height, pixels).ok_or(Unreadable)?;
    let exif = reader
        .info()
        .exif_metadata
        .as_ref()
        .map(|exif| exif.to_vec());
    Ok((picture, exif))
}

/// Drops transparency and spreads grey over three channels.
fn to_rgb(pixels: Vec<u8>, color: png::ColorType) -> Result<Vec<u8>, Unreadable> {
    let grey = |pixel: &[u8]| pixel.first().map_or([0; 3], |value| [*value; 3]);
    match color {
        png::ColorType::Rgb => Ok(pixels),
        png::ColorType::Rgba => Ok(pixels
            .as_chunks::<4>()
            .0
            .iter()
            .flat_map(|[red, green, blue, _]| [*red, *green, *blue])
            .collect()),
        png::ColorType::Grayscale => Ok(pixels.chunks_exact(1).flat_map(grey).collect()),
        png::ColorType::GrayscaleAlpha => Ok(pixels.chunks_exact(2).flat_map(grey).collect()),
        // Expanded to RGB by the decoder.
        png::ColorType::Indexed => Err(Unreadable),
    }
}
