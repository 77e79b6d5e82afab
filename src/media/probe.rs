//! Pictures by their first bytes: format, width and height. Nothing is decoded or allocated, and a walk over a header is
//! bounded, so that a header which claims 50,000 x 50,000 pixels costs microseconds.

use bytes::Bytes;

use crate::canonical::{ImageFormat, ImageRules, Problem, ProblemKind};

/// Segments that a JPEG may have before its first scan. Colour profiles and depth maps come in a few hundred; more is an
/// attack on decoders that gather them.
const MAX_SEGMENTS: usize = 1024;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The format by its magic bytes.
    pub format: ImageFormat,
    /// Width and height as stored, pixels, before any EXIF orientation. `None` for formats of which only the magic is
    /// read, which are those that the engine does not decode.
    pub size: Option<(u32, u32)>,
}

/// Why a header cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// No known magic bytes.
    #[error("the picture is of no known format")]
    UnknownFormat,
    /// The format is known but its header breaks off or contradicts itself.
    #[error("the header of the picture is damaged")]
    Damaged,
}

/// Whether `bytes` are a picture as `rules` want it.
///
/// # Errors
///
/// `MediaMissing` for nothing, `MediaTooLarge`, `MediaUnreadable` for another format or a damaged header,
/// `PixelsOutOfRange`. The detail names the limit.
pub fn check_image(bytes: &Bytes, rules: &ImageRules) -> Result<ImageFormat, Problem> {
    if bytes.is_empty() {
        return Err(Problem::new(
            ProblemKind::MediaMissing,
            "the picture is empty",
        ));
    }
    if bytes.len() > rules.max_bytes {
        return Err(Problem::new(
            ProblemKind::MediaTooLarge,
            format!("the picture must not exceed {} bytes", rules.max_bytes),
        ));
    }
    let header = read_header(bytes)
        .map_err(|error| Problem::new(ProblemKind::MediaUnreadable, error.to_string()))?;
    if !rules.formats.contains(&header.format) {
        let accepted: Vec<&str> = rules.formats.iter().copied().map(name).collect();
        return Err(Problem::new(
            ProblemKind::MediaUnreadable,
            format!(
                "the picture is {}, it must be {}",
                name(header.format),
                accepted.join(" or ")
            ),
        ));
    }
    let sides = rules.min_side..=rules.max_side;
    if let Some((width, height)) = header.size
        && !(sides.contains(&width) && sides.contains(&height))
    {
        let (min, max) = (rules.min_side, rules.max_side);
        return Err(Problem::new(
            ProblemKind::PixelsOutOfRange,
            format!("the picture must measure from {min}x{min} to {max}x{max} pixels"),
        ));
    }
    Ok(header.format)
}

/// Reads the header of a picture.
///
/// # Errors
///
/// See [`HeaderError`].
pub fn read_header(bytes: &[u8]) -> Result<Header, HeaderError> {
    let format = sniff(bytes).ok_or(HeaderError::UnknownFormat)?;
    let size = match format {
        ImageFormat::Jpeg => {
            let frame = walk_jpeg(bytes).ok_or(HeaderError::Damaged)?;
            Some((frame.width, frame.height))
        }
        ImageFormat::Png => Some(png_size(bytes).ok_or(HeaderError::Damaged)?),
        ImageFormat::Bmp | ImageFormat::Gif | ImageFormat::Tiff => None,
    };
    Ok(Header { format, size })
}

/// The format by its magic bytes.
fn sniff(bytes: &[u8]) -> Option<ImageFormat> {
    const MAGICS: [(&[u8], ImageFormat); 7] = [
        (b"\xff\xd8\xff", ImageFormat::Jpeg),
        (b"\x89PNG\r\n\x1a\n", ImageFormat::Png),
        (b"BM", ImageFormat::Bmp),
        (b"GIF87a", ImageFormat::Gif),
        (b"GIF89a", ImageFormat::Gif),
        (b"II*\0", ImageFormat::Tiff),
        (b"MM\0*", ImageFormat::Tiff),
    ];
    MAGICS
        .iter()
        .find(|(magic, _)| bytes.starts_with(magic))
        .map(|(_, format)| *format)
}

fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Png => "PNG",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Gif => "GIF",
        ImageFormat::Tiff => "TIFF",
    }
}

/// IHDR is the first chunk, always (ISO/IEC 15948, 5.6).
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    if bytes.get(12..16)? != b"IHDR" {
        return None;
    }
    let width = u32::from_be_bytes(bytes.get(16..20)?.try_into().ok()?);
    let height = u32::from_be_bytes(bytes.get(20..24)?.try_into().ok()?);
    (width > 0 && height > 0).then_some((width, height))
}

/// What stands before the first scan of a JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JpegFrame {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Offset of the first scan's header.
    pub scan: usize,
}

/// Walks the segments up to the first scan (ISO/IEC 10918-1, annex B). `None` if the header breaks off, has no frame, or
/// has more segments than any picture needs.
pub(crate) fn walk_jpeg(bytes: &[u8]) -> Option<JpegFrame> {
    let mut at = 2;
    let mut size = None;
    for _ in 0..MAX_SEGMENTS {
        if *bytes.get(at)? != 0xff {
            return None;
        }
        // Any number of fill bytes may stand before a marker.
        while *bytes.get(at)? == 0xff {
            at += 1;
        }
        let marker = *bytes.get(at)?;
        at += 1;
        match marker {
            0x01 | 0xd0..=0xd7 => continue,
            0xda => {
                let (width, height) = size?;
                return Some(JpegFrame {
                    width,
                    height,
                    scan: at,
                });
            }
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let height = big_endian(bytes, at + 3)?;
                let width = big_endian(bytes, at + 5)?;
                if width == 0 || height == 0 {
                    return None;
                }
                size = Some((width, height));
            }
            0x00 | 0xd8 | 0xd9 => return None,
            _ => {}
        }
        let length = big_endian(bytes, at)?;
        if length < 2 {
            return None;
        }
        at += length as usize;
    }
    None
}

fn big_endian(bytes: &[u8], at: usize) -> Option<u32> {
    let pair = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(u32::from(u16::from_be_bytes(pair)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: ImageRules = ImageRules {
        formats: &[ImageFormat::Jpeg, ImageFormat::Png],
        min_side: 128,
        max_side: 6000,
        max_bytes: 4096,
    };

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes
    }

    /// APP0 of 4 bytes, a fill byte, SOF of kind `sof`, then a scan.
    fn jpeg(sof: u8, width: u16, height: u16) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, sof, 0, 8, 8];
        bytes.extend(height.to_be_bytes());
        bytes.extend(width.to_be_bytes());
        bytes.extend([3, 0xff, 0xda]);
        bytes
    }

    fn kind_of(bytes: Vec<u8>) -> (ProblemKind, String) {
        let problem = check_image(&Bytes::from(bytes), &RULES).expect_err("refused");
        (problem.kind, problem.detail.into_owned())
    }

    #[test]
    fn reads_both_formats_and_every_kind_of_frame() {
        for sof in [0xc0, 0xc1, 0xc2, 0xc9] {
            let header = read_header(&jpeg(sof, 640, 480)).expect("jpeg");
            assert_eq!(
                (header.format, header.size),
                (ImageFormat::Jpeg, Some((640, 480)))
            );
        }
        let header = read_header(&png(640, 480)).expect("png");
        assert_eq!(
            (header.format, header.size),
            (ImageFormat::Png, Some((640, 480)))
        );
    }

    #[test]
    fn bounds_are_inclusive_and_named() {
        for side in [128, 6000] {
            assert!(check_image(&Bytes::from(png(side, side)), &RULES).is_ok());
        }
        for (width, height) in [(127, 200), (200, 127), (6001, 200), (50_000, 50_000)] {
            let (kind, detail) = kind_of(png(width, height));
            assert_eq!(kind, ProblemKind::PixelsOutOfRange);
            assert!(detail.contains("128x128") && detail.contains("6000x6000"));
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(kind_of(Vec::new()).0, ProblemKind::MediaMissing);
        assert_eq!(
            kind_of(vec![0; 4097]),
            (
                ProblemKind::MediaTooLarge,
                "the picture must not exceed 4096 bytes".to_owned()
            )
        );
        for (magic, said) in [
            (&b"GIF89a"[..], "is GIF, it must be JPEG or PNG"),
            (b"BM", "is BMP"),
            (b"MM\0*", "is TIFF"),
            (b"<html>", "no known format"),
            (b"\xff\xd8\xff", "damaged"),
        ] {
            let (kind, detail) = kind_of(magic.to_vec());
            assert_eq!(kind, ProblemKind::MediaUnreadable);
            assert!(detail.contains(said), "{detail}");
        }
    }

    #[test]
    fn a_header_cut_anywhere_is_damaged() {
        for whole in [jpeg(0xc0, 640, 480), png(640, 480)] {
            for length in 8..whole.len() {
                let cut = whole.get(..length).expect("inside");
                assert_eq!(read_header(cut), Err(HeaderError::Damaged), "{length}");
            }
        }
    }

    #[test]
    fn headers_that_lead_nowhere_are_damaged() {
        let endless = [&[0xff, 0xd8][..], &[0xff, 0xe0, 0, 2].repeat(100_000)].concat();
        let no_frame = [0xff, 0xd8, 0xff, 0xda, 0, 0].to_vec();
        let short_segment = [0xff, 0xd8, 0xff, 0xe0, 0, 1, 0xff, 0xda].to_vec();
        for bytes in [endless, no_frame, short_segment, jpeg(0xc0, 0, 480)] {
            assert_eq!(read_header(&bytes), Err(HeaderError::Damaged));
        }
    }
}
