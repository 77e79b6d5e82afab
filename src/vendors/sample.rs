//! A dialect's call as a newcomer would type it, for demonstrations and documentation.

use bytes::Bytes;
use http::{Request, header};

/// A key as its owner knows it.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'a> {
    /// Public half.
    pub id: &'a str,
    /// Secret half.
    pub secret: &'a str,
}

/// A POST of a form with one file.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Path of the endpoint, and a query if the credential stands there.
    pub target: String,
    /// Headers, credential included where it stands there.
    pub headers: Vec<(&'static str, String)>,
    /// Name of the form field that holds the picture.
    pub file_field: &'static str,
    /// The form's other fields.
    pub fields: &'static [(&'static str, &'static str)],
}

const BOUNDARY: &str = "livegate-sample-boundary";

// === impl Sample ===

impl Sample {
    /// The request with a picture in it.
    pub fn request(&self, picture: &[u8]) -> http::Result<Request<Bytes>> {
        let mut body = Vec::with_capacity(picture.len() + 512);
        for (name, value) in self.fields {
            let part = format!(
                "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        let name = self.file_field;
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"picture\"\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(picture);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let mut request = Request::post(&self.target)
            .header(
                header::CONTENT_TYPE,
                format!("multipart/form-data; boundary={BOUNDARY}"),
            )
            .header(header::CONTENT_LENGTH, body.len());
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(body.into())
    }
}
