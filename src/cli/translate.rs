//! `livegate translate`: shows what a request of one dialect becomes for an upstream of another vendor.
//!
//! Nothing is sent and nothing is needed: the upstream has an example's address and `***` for secrets, media is shown
//! by its size, and what the call asks but the vendor has no word for is listed below the request.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Request};
use memchr::memmem;

use crate::canonical::{Call, CallId, Media, MediaForm, Secret};
use crate::clock::Clock;
use crate::vendors::{self, DialectCx, DialectSettings, SettingKind, UpstreamCx, VENDORS, Vendor};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The vendor whose dialect the request is written in.
    #[arg(long, value_name = "VENDOR", value_parser = with_dialect)]
    from: &'static Vendor,
    /// The vendor that would be called.
    #[arg(long, value_name = "VENDOR", value_parser = to_be_called)]
    to: &'static Vendor,
    /// A request as it is on the wire; - reads it from standard input.
    file: PathBuf,
}

const ADDRESS: &str = "https://upstream.example";
const ID: CallId = CallId::from_bytes([0; 16]);
/// Stands in for a file that would be fetched first.
const FETCHED: &[u8] = b"the file at the caller's address";

/// Prints the request that the upstream would get.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let raw = read(&arguments.file)?;
    let now = Clock::system().now().as_second();
    let text = translate(arguments.from, arguments.to, raw, now)?;
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn with_dialect(id: &str) -> Result<&'static Vendor, String> {
    chosen(id, |vendor| vendor.inbound.is_some())
}

fn to_be_called(id: &str) -> Result<&'static Vendor, String> {
    chosen(id, |vendor| vendor.outbound.is_some())
}

fn chosen(id: &str, fits: impl Fn(&Vendor) -> bool) -> Result<&'static Vendor, String> {
    let mut choices = VENDORS.iter().copied().filter(|vendor| fits(vendor));
    choices
        .clone()
        .find(|vendor| vendor.id == id)
        .ok_or_else(|| {
            let first = choices.next().map_or("", |vendor| vendor.id);
            choices.fold(format!("write one of {first}"), |text, vendor| {
                text + ", " + vendor.id
            })
        })
}

fn read(file: &Path) -> anyhow::Result<Bytes> {
    if file == Path::new("-") {
        let mut raw = Vec::new();
        std::io::stdin().read_to_end(&mut raw)?;
        return Ok(raw.into());
    }
    let raw = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(raw.into())
}

fn translate(from: &Vendor, to: &Vendor, raw: Bytes, unix_seconds: i64) -> anyhow::Result<String> {
    let inbound = from.inbound.context("the vendor has no dialect")?;
    let outbound = to.outbound.context("the vendor cannot be called")?;
    let (head, body) = request(raw)?.into_parts();
    let op = inbound.recognise(&head).with_context(|| {
        let (method, path) = (&head.method, head.uri.path());
        format!("the {} dialect has no {method} {path}", from.name)
    })?;
    let settings = DialectSettings::default();
    let cx = DialectCx {
        id: ID,
        settings: &settings,
        accept: None,
    };
    let mut call = inbound.parse_request(&cx, op, Request::from_parts(head, body))?;
    let support = outbound
        .capabilities()
        .support(op)
        .with_context(|| format!("{} has no {op}", to.name))?;
    let takes_urls = support.forms.contains(&MediaForm::Url);
    let given = call.clone();
    let labels: Vec<Option<String>> = call
        .media_mut()
        .into_iter()
        .map(|media| label(media, takes_urls))
        .collect();
    let secrets = secrets(to);
    let cx = UpstreamCx::new(ID, ADDRESS, to.scale, unix_seconds, &secrets);
    let mut request = vendors::first_request(outbound, &call, &cx)
        .with_context(|| format!("{} cannot be asked this", to.name))?;
    let mut hidden = Vec::new();
    for (index, label) in labels.into_iter().enumerate() {
        let Some(label) = label else { continue };
        let other = vendors::first_request(outbound, &inverted(&call, index), &cx)?;
        let file = call.media().get(index).and_then(|media| media.bytes());
        let place = place(request.body(), file.map_or(&[], |file| file), other.body());
        hidden.push((place, label));
    }
    if call != given {
        // Nobody knows how long the body will be.
        request.headers_mut().remove(CONTENT_LENGTH);
    }
    let lost = vendors::not_asked(outbound, &call, &cx)?;
    Ok(show(&request, hidden, &lost))
}

/// A request as it is on the wire. The head's lines may end in a bare line feed, as editors write them.
fn request(raw: Bytes) -> anyhow::Result<Request<Bytes>> {
    let (head, start) = [&b"\r\n\r\n"[..], b"\n\n"]
        .into_iter()
        .filter_map(|end| memmem::find(&raw, end).map(|at| (at, at + end.len())))
        .min()
        .context("the file has no blank line after the request's head")?;
    let mut body = raw.slice(start..);
    let head = std::str::from_utf8(&raw[..head]).context("the request's head is not text")?;
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (words.next(), words.next());
    let mut request = Request::builder()
        .method(method.unwrap_or_default())
        .uri(target.context("the first line is not \"METHOD PATH HTTP/1.1\"")?);
    for line in lines {
        let (name, value) = line
            .split_once(':')
            .context("a header's line has no colon")?;
        request = request.header(
            HeaderName::try_from(name).context("a header's name is malformed")?,
            HeaderValue::try_from(value.trim()).context("a header's value is malformed")?,
        );
    }
    let headers = request
        .headers_ref()
        .context("the first line is malformed")?;
    ensure!(
        !headers.contains_key(TRANSFER_ENCODING),
        "the body is chunked; write it whole, with its content-length"
    );
    if let Some(length) = headers.get(CONTENT_LENGTH) {
        let length: usize = length
            .to_str()?
            .parse()
            .context("content-length is no number")?;
        ensure!(
            length <= body.len(),
            "content-length is {length}, but the body has {} bytes",
            body.len()
        );
        body.truncate(length);
    }
    Ok(request.body(body)?)
}

/// How media is shown, if not as it is. What would be fetched first is replaced.
fn label(media: &mut Media, takes_urls: bool) -> Option<String> {
    match media {
        Media::Bytes(bytes) => Some(format!("<{} bytes>", bytes.len())),
        Media::Url(_) if takes_urls => None,
        Media::Url(url) => {
            let label = format!("<the file at {url}>");
            *media = Media::Bytes(Bytes::from_static(FETCHED));
            Some(label)
        }
        Media::Stored(_) => None,
    }
}

/// Asterisks: three, or as many as the secret has bytes.
fn secrets(vendor: &Vendor) -> Vec<(&'static str, Secret)> {
    let length = |name: &str| {
        let own = vendor.settings.iter().find(|own| own.name == name);
        match own.map(|own| own.kind) {
            Some(SettingKind::Secret { bytes, .. }) => bytes,
            Some(SettingKind::Number(_)) | None => 3,
        }
    };
    let names = vendor
        .outbound
        .map_or(&[][..], |outbound| outbound.credentials());
    names
        .iter()
        .map(|name| (*name, Secret::new("*".repeat(length(name)))))
        .collect()
}

/// The call with every bit of one of its files turned.
fn inverted(call: &Call, index: usize) -> Call {
    let mut call = call.clone();
    if let Some(Media::Bytes(bytes)) = call.media_mut().into_iter().nth(index) {
        *bytes = bytes.iter().map(|byte| !byte).collect();
    }
    call
}

/// Where the file stands in the body: as it is, in base64, in base64 in a form, or else, when it is encrypted, the value
/// around where the body differs from one with another file.
fn place(body: &[u8], file: &[u8], other: &[u8]) -> Range<usize> {
    let base64 = base64_turbo::encode(file);
    let in_form = base64
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let found = [file, base64.as_bytes(), in_form.as_bytes()]
        .into_iter()
        .find_map(|form| memmem::find(body, form).map(|at| at..at + form.len()));
    found.unwrap_or_else(|| {
        let alike = |(a, b): &(&u8, &u8)| a == b;
        let start = body.iter().zip(other).take_while(alike).count();
        let rest = body.len().min(other.len()) - start;
        let ends = body.iter().rev().zip(other.iter().rev());
        let end = body.len() - ends.take(rest).take_while(alike).count();
        let within = |byte: &&u8| !b"=&\"".contains(byte);
        let before = body[..start].iter().rev().take_while(within).count();
        let after = body[end..].iter().take_while(within).count();
        start - before..end + after
    })
}

fn show(
    request: &Request<Bytes>,
    mut hidden: Vec<(Range<usize>, String)>,
    lost: &[&str],
) -> String {
    let mut text = format!("{} {} HTTP/1.1\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{name}: {}",
            String::from_utf8_lossy(value.as_bytes())
        );
    }
    text.push('\n');
    hidden.sort_by_key(|(place, _)| place.start);
    let body = request.body();
    let mut shown = 0;
    for (place, label) in hidden {
        text += &String::from_utf8_lossy(body.get(shown..place.start).unwrap_or_default());
        text += &label;
        shown = place.end;
    }
    text += &String::from_utf8_lossy(body.get(shown..).unwrap_or_default());
    let lost = if lost.is_empty() {
        "nothing".to_owned()
    } else {
        lost.join(", ")
    };
    let _ = write!(text, "\n\nlost: {lost}\n");
    text
}
