//! Writing a `multipart/form-data` body (RFC 7578) in one pass.

use bytes::Bytes;

use crate::canonical::CallId;

/// One field of the body to be.
pub struct Part<'a> {
    name: &'a str,
    file: Option<(&'a str, &'a str)>,
    value: &'a [u8],
}

// === impl Part ===

impl<'a> Part<'a> {
    /// A text field.
    #[must_use]
    pub fn text(name: &'a str, value: &'a str) -> Self {
        Self {
            name,
            file: None,
            value: value.as_bytes(),
        }
    }

    /// A file of any kind.
    #[must_use]
    pub fn file(name: &'a str, data: &'a [u8]) -> Self {
        Self {
            name,
            file: Some((name, "application/octet-stream")),
            value: data,
        }
    }

    /// A picture, named by its type as vendors' own clients do.
    #[must_use]
    pub fn picture(name: &'a str, data: &'a [u8]) -> Self {
        let (file_name, media_type) = if data.starts_with(b"\x89PNG") {
            ("image.png", "image/png")
        } else {
            ("image.jpg", "image/jpeg")
        };
        Self {
            name,
            file: Some((file_name, media_type)),
            value: data,
        }
    }

    fn head(&self, boundary: &str) -> String {
        let name = self.name;
        match self.file {
            Some((file_name, media_type)) => format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\n\
                 Content-Type: {media_type}\r\n\r\n"
            ),
            None => {
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n")
            }
        }
    }
}

/// Content type and body, the latter in one buffer of the right size. The boundary is the call's id: random, so no
/// file can hold it.
#[must_use]
pub fn multipart(id: CallId, parts: &[Part<'_>]) -> (String, Bytes) {
    let boundary = format!("livegate-{id}");
    let heads: Vec<String> = parts.iter().map(|part| part.head(&boundary)).collect();
    let end = format!("--{boundary}--\r\n");
    let pieces = parts.iter().zip(&heads);
    let size = pieces
        .clone()
        .map(|(part, head)| head.len() + part.value.len() + 2)
        .sum::<usize>();
    let mut body = Vec::with_capacity(size + end.len());
    for (part, head) in pieces {
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(part.value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(end.as_bytes());
    let content_type = format!("multipart/form-data; boundary={boundary}");
    (content_type, Bytes::from(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::body::multipart::read;

    #[test]
    fn the_body_is_written_once_into_a_buffer_of_its_size() {
        let id = CallId::from_bytes([7; 16]);
        let parts = [
            Part::text("a", "1"),
            Part::file("b", b"\r\n--"),
            Part::picture("c", b"\x89PNG"),
        ];
        let (content_type, body) = multipart(id, &parts);
        let boundary = content_type.split_once("boundary=").expect("a boundary").1;
        let fields = read(&body, boundary.as_bytes()).unwrap();
        for part in &parts {
            let name: &'static str = match part.name {
                "a" => "a",
                "b" => "b",
                _ => "c",
            };
            let field = fields.one(name).unwrap().expect("there");
            assert_eq!(field.file().expect("plain").as_ref(), part.value);
        }
        let body = Vec::from(body);
        assert_eq!(body.capacity(), body.len());
    }
}
