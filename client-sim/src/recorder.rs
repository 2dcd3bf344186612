//! A server that knows nothing and remembers what it was asked, for tests.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::http::Api;

/// What was asked, in order: `METHOD PATH BODY`.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    /// A server that answers everything with `body`; or with 204, where it is empty.
    pub(crate) async fn answering(body: &'static str) -> (Api, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = Api::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let recorder = Self::default();
        let asked = recorder.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read(&mut stream).await;
                asked.0.lock().unwrap().push(request);
                let status = if body.is_empty() { "204 No Content" } else { "200 OK" };
                let answer = format!(
                    "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/json\r\n\
                     content-length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        (api, recorder)
    }

    /// What was asked since the last time that somebody wanted to know.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

async fn read(stream: &mut TcpStream) -> String {
    let (mut request, mut part) = (String::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut part).await.unwrap();
        request.push_str(std::str::from_utf8(&part[..length]).unwrap());
        let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
        let told = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() < told.map_or(0, |length| length.parse().unwrap()) {
            continue;
        }
        let line = head.lines().next().and_then(|line| line.strip_suffix(" HTTP/1.1")).unwrap();
        return format!("{line} {body}").trim_end().to_owned();
    }
}
