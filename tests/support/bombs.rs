//! Pictures that want to do harm.

use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compress, Compression, Crc, FlushCompress};
use image::GrayImage;
use image::codecs::jpeg::JpegEncoder;

/// A file that costs far more than its size to read, and what it is.
pub struct Bomb {
    /// For messages.
    pub name: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Files of a few megabytes that would fill gigabytes or keep a core busy for seconds.
pub fn bombs() -> Vec<Bomb> {
    let flood = flood(2048);
    let named = |prefix: &[u8]| [prefix, &flood].concat();
    let pixel = zlib(&[0; 257 * 256]);
    let xmp = b"http://ns.adobe.com/xmp/extension/\x000123456789abcdef0123456789abcdef";
    let segment = [
        &[0xff, 0xe1, 0, 79][..],
        xmp,
        &[0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let mut small = Vec::new();
    JpegEncoder::new(&mut small)
        .encode_image(&GrayImage::new(64, 64))
        .expect("encodes");
    let segments = [&small[..2], &segment.repeat(40_000), &small[2..]].concat();
    let bomb = |name, bytes| Bomb { name, bytes };
    vec![
        bomb(
            "a header of 50,000 x 50,000",
            png_of(50_000, &[(b"IDAT", &pixel)]),
        ),
        bomb(
            "a flat picture of 6,000 x 6,000",
            png_of(6_000, &[(b"IDAT", &zlib(&vec![0; 6_001 * 6_000]))]),
        ),
        bomb(
            "image data beyond the header's",
            png_of(256, &[(b"IDAT", &flood)]),
        ),
        bomb(
            "a colour profile",
            png_of(256, &[(b"iCCP", &named(b"p\0\0")), (b"IDAT", &pixel)]),
        ),
        bomb(
            "a compressed text",
            png_of(256, &[(b"zTXt", &named(b"t\0\0")), (b"IDAT", &pixel)]),
        ),
        bomb(
            "an international text",
            png_of(
                256,
                &[(b"iTXt", &named(b"t\0\x01\0\0\0")), (b"IDAT", &pixel)],
            ),
        ),
        bomb("metadata in 40,000 segments", segments),
    ]
}

/// A greyscale PNG of `side` x `side` with these chunks.
fn png_of(side: u32, chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut header = [side.to_be_bytes(), side.to_be_bytes()].concat();
    header.extend([8, 0, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let all = [(b"IHDR", header.as_slice())];
    for (kind, data) in all.iter().chain(chunks).chain(&[(b"IEND", &[][..])]) {
        let mut crc = Crc::new();
        crc.update(*kind);
        crc.update(data);
        bytes.extend(u32::try_from(data.len()).expect("short").to_be_bytes());
        bytes.extend(*kind);
        bytes.extend(*data);
        bytes.extend(crc.sum().to_be_bytes());
    }
    bytes
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).expect("a vector");
    encoder.finish().expect("a vector")
}

/// A zlib stream that inflates to `megabytes` of zeros: one flushed block, repeated, so that making it costs nothing.
fn flood(megabytes: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(64 << 10);
    Compress::new(Compression::best(), false)
        .compress_vec(&vec![0; 1 << 20], &mut block, FlushCompress::Full)
        .expect("compresses");
    let mut stream = vec![0x78, 0x9c];
    stream.extend(block.repeat(megabytes));
    stream.extend([3, 0, 0, 0, 0, 0]);
    stream
}
