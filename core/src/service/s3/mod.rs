//! S3: uploads of scripts, and the ends of logs.

mod tail;

use std::path::Path;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::{ByteStream, Length};

use crate::error::{Error, RequestError, Result};
use crate::session::Session;
use tail::Tail;

/// What one PutObject takes.
const PUT_LIMIT: u64 = 5 * 1024 * 1024 * 1024;
/// The largest packed log that is fetched for its end.
const PACKED_LIMIT: i64 = 64 * 1024 * 1024;

/// The largest object that is fetched to be compared with a file.
const COMPARED_LIMIT: u64 = 64 * 1024 * 1024;

/// Uploads a file, read from disk as it is sent (PutObject). Without `replace` S3 itself refuses it when
/// the key is taken, with `PreconditionFailed`; that is no error when the file lies there already, as an
/// earlier attempt may have put it there.
///
/// # Errors
/// `Error::Request` when the file cannot be read or is over 5 GiB, `Error::Aws` when S3 refuses it.
pub async fn put_file(session: &Session, path: &Path, bucket: &str, key: &str, replace: bool) -> Result<()> {
    let refused = |message: String| {
        Error::Request(RequestError {
            operation: "PutObject".to_owned(),
            path: "PutObject.Body".to_owned(),
            message: format!("{}: {message}", path.display()),
        })
    };
    let file = std::fs::metadata(path).map_err(|error| refused(error.to_string()))?;
    if !file.is_file() {
        return Err(refused("is not a file".to_owned()));
    }
    if file.len() > PUT_LIMIT {
        return Err(refused("is over 5 GiB, more than one upload takes".to_owned()));
    }
    let body = ByteStream::read_from()
        .path(path)
        .length(Length::Exact(file.len()))
        .build()
        .await
        .map_err(|error| refused(error.to_string()))?;
    let absent = (!replace).then(|| "*".to_owned());
    let sent = session.s3().put_object().bucket(bucket).key(key).set_if_none_match(absent).body(body).send().await;
    match sent {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some("PreconditionFailed") && holds(session, bucket, key, path).await => Ok(()),
        Err(error) => Err(Error::from_sdk("s3", "PutObject", error)),
    }
}

/// Whether an object has the content of a file (GetObject); one that cannot be read has not.
async fn holds(session: &Session, bucket: &str, key: &str, path: &Path) -> bool {
    let Ok(content) = std::fs::metadata(path).and_then(|file| match file.len() {
        0..=COMPARED_LIMIT => std::fs::read(path),
        _ => Err(std::io::ErrorKind::FileTooLarge.into()),
    }) else {
        return false;
    };
    let Ok(reply) = session.s3().get_object().bucket(bucket).key(key).send().await else { return false };
    let (mut body, mut rest) = (reply.body, content.as_slice());
    while let Some(Ok(chunk)) = body.next().await {
        match rest.strip_prefix(chunk.as_ref()) {
            Some(left) => rest = left,
            None => return false,
        }
    }
    // A body that broke off has left something over, too.
    rest.is_empty()
}

/// The last `max` bytes of an object's text (GetObject); a `.gz` object is unpacked on the way.
pub async fn object_tail(session: &Session, bucket: &str, key: &str, max: usize) -> Result<String> {
    let packed = key.ends_with(".gz");
    let mut request = session.s3().get_object().bucket(bucket).key(key);
    if !packed {
        request = request.range(format!("bytes=-{max}"));
    }
    let reply = match request.send().await {
        Ok(reply) => reply,
        // An empty object has no last bytes.
        Err(error) if error.code() == Some("InvalidRange") => return Ok(String::new()),
        Err(error) => return Err(Error::from_sdk("s3", "GetObject", error)),
    };
    if reply.content_length().is_some_and(|length| length > PACKED_LIMIT) {
        return Err(Error::internal(format!("s3://{bucket}/{key} is too large to be read for its end")));
    }
    let mut tail = Tail::new(max, packed);
    let mut body = reply.body;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| Error::internal(format!("s3://{bucket}/{key}: {error}")))?;
        tail.push(&chunk);
    }
    Ok(tail.finish())
}

/// Up to 1000 keys under a prefix (ListObjectsV2).
pub async fn object_keys(session: &Session, bucket: &str, prefix: &str) -> Result<Vec<String>> {
    let reply = session.s3().list_objects_v2().bucket(bucket).prefix(prefix).send().await;
    let reply = reply.map_err(|error| Error::from_sdk("s3", "ListObjectsV2", error))?;
    Ok(reply.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect())
}
