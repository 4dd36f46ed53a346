//! `mwaalib-stub [PORT]`: prints `listening on PORT` and serves until it is ended.
//!
//! Control: `POST /register`, `POST /set`, `POST /reset`, `GET /stats`.

mod api;
mod control;
mod http;
mod world;

use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use world::World;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let port: u16 = std::env::args().nth(1).map_or(0, |text| {
        text.parse().unwrap_or_else(|_| {
            eprintln!("usage: mwaalib-stub [PORT]; {text:?} is no port");
            std::process::exit(2)
        })
    });
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?.port());
    let world = Arc::new(Mutex::new(World::default()));
    loop {
        let (stream, _) = listener.accept().await?;
        let _ = stream.set_nodelay(true);
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            // A client that goes away in mid-request is no fault of the stub's.
            let _ = http::serve(stream, |request| respond(&world, request)).await;
        });
    }
}

fn respond(world: &Mutex<World>, request: &http::Request) -> http::Response {
    let mut world = world.lock().expect("no holder of this lock panics");
    if request.path == "/" { api::answer(&mut world, request) } else { control::answer(&mut world, request) }
}
