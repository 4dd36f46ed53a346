//! As much of HTTP/1.1 as AWS clients use: keep-alive and Content-Length.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

pub struct Request {
    pub path: String,
    /// `X-Amz-Target`, as `AWSStepFunctions.DescribeExecution`.
    pub target: Option<String>,
    pub body: Vec<u8>,
}

pub struct Response {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

impl Response {
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self { status, content_type: "application/x-amz-json-1.1", body: body.to_string() }
    }
}

/// Answers every request of one connection until the client closes it.
pub async fn serve(stream: TcpStream, mut respond: impl FnMut(&Request) -> Response) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await? {
        let response = respond(&request);
        let head = format!(
            "HTTP/1.1 {} X\r\ncontent-type: {}\r\ncontent-length: {}\r\nx-amzn-requestid: stub\r\n\r\n",
            response.status,
            response.content_type,
            response.body.len()
        );
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(response.body.as_bytes());
        stream.get_mut().write_all(&bytes).await?;
    }
    Ok(())
}

async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
    let (mut target, mut length) = (None, 0);
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("x-amz-target") {
            target = Some(value.trim().to_owned());
        } else if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Request { path, target, body }))
}
