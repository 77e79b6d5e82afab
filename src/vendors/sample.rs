//! A dialect's call as a newcomer would type it, for demonstrations and documentation.

use bytes::Bytes;
use http::{Request, header};

use crate::canonical::MediaForm;

/// A key as its owner knows it.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'a> {
    /// Public half.
    pub id: &'a str,
    /// Secret half.
    pub secret: &'a str,
}

/// A POST about one picture.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Path of the endpoint.
    pub path: &'static str,
    /// Headers, credential included.
    pub headers: Vec<(&'static str, String)>,
    /// How the picture gets there.
    pub body: SampleBody,
}

/// How a picture is sent.
#[derive(Debug, Clone)]
pub enum SampleBody {
    /// In a form.
    Form {
        /// The field with the file.
        file: &'static str,
        /// The others.
        fields: Vec<(&'static str, String)>,
    },
    /// By its URL, as the one member of a JSON object.
    Url {
        /// The member.
        member: &'static str,
    },
}

const BOUNDARY: &str = "livegate-sample-boundary";

// === impl Sample ===

impl Sample {
    /// The request for a picture, which is also to be had at `url`.
    pub fn request(&self, picture: &[u8], url: &str) -> http::Result<Request<Bytes>> {
        let (content_type, body) = match &self.body {
            SampleBody::Form { file, fields } => (
                format!("multipart/form-data; boundary={BOUNDARY}"),
                form(file, fields, picture),
            ),
            SampleBody::Url { member } => (
                "application/json".to_owned(),
                json(member, url).into_bytes(),
            ),
        };
        let mut request = Request::post(self.path)
            .header(header::CONTENT_TYPE, content_type)
            .header(header::CONTENT_LENGTH, body.len());
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(body.into())
    }

    /// The form in which the picture gets there.
    #[must_use]
    pub fn form(&self) -> MediaForm {
        match self.body {
            SampleBody::Form { .. } => MediaForm::Bytes,
            SampleBody::Url { .. } => MediaForm::Url,
        }
    }

    /// The same as a line for a shell, for the picture in the file `path`. `base` is the gateway's address.
    #[must_use]
    pub fn curl(&self, base: &str, path: &str, url: &str) -> String {
        let mut line = vec!["curl -sS".to_owned()];
        line.extend(
            self.headers
                .iter()
                .map(|(name, value)| format!("-H '{name}: {value}'")),
        );
        match &self.body {
            SampleBody::Form { file, fields } => {
                line.push(format!("-F '{file}=@{path}'"));
                line.extend(
                    fields
                        .iter()
                        .map(|(name, value)| format!("-F {name}={value}")),
                );
            }
            SampleBody::Url { member } => {
                line.push("-H 'content-type: application/json'".to_owned());
                line.push(format!("-d '{}'", json(member, url)));
            }
        }
        line.push(format!("{base}{}", self.path));
        line.join(" ")
    }
}

fn json(member: &str, url: &str) -> String {
    serde_json::json!({ member: url }).to_string()
}

fn form(file: &str, fields: &[(&'static str, String)], picture: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(picture.len() + 512);
    let mut part = |disposition: String, content: &[u8]| {
        let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; {disposition}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    };
    for (name, value) in fields {
        part(format!("name=\"{name}\""), value.as_bytes());
    }
    part(format!("name=\"{file}\"; filename=\"picture\""), picture);
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}
