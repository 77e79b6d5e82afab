//! Reading request bodies without copying them: multipart, form-urlencoded, base64.
