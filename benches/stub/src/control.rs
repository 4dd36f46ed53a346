//! The routes by which a benchmark sets the stage and reads the counters.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{Request, Response};
use crate::world::{Group, World, now};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Register {
    kind: String,
    parent: String,
    ids: Vec<String>,
    state: String,
}

/// Its multiples fall evenly into a span, and in no order: waits began one after another, so that changes
/// in the jobs' order would fall into the same moment of each one's poll round.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// Moves every job of a parent to `state`: at once, or evenly over `seconds`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spread {
    kind: String,
    parent: String,
    state: String,
    #[serde(default)]
    seconds: f64,
}

pub fn answer(world: &mut World, request: &Request) -> Response {
    let outcome = match request.path.as_str() {
        "/register" => parse(&request.body).map(|body| register(world, body)),
        "/set" => parse(&request.body).and_then(|body| spread(world, &body)),
        "/stats" => Ok(json!(world.calls)),
        "/reset" => {
            world.calls.clear();
            Ok(json!({}))
        }
        other => Err(format!("no route {other}")),
    };
    match outcome {
        Ok(body) => Response::json(200, &body),
        Err(message) => Response::json(400, &json!({ "message": message })),
    }
}

fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn register(world: &mut World, body: Register) -> Value {
    let started = now();
    let mut group = Group::default();
    for id in body.ids {
        group.add(id, &body.state, started);
    }
    world.groups.insert((body.kind, body.parent), group);
    json!({})
}

#[allow(clippy::cast_precision_loss)] // a benchmark has far fewer than 2^52 jobs
fn spread(world: &mut World, body: &Spread) -> Result<Value, String> {
    let group = world
        .groups
        .get_mut(&(body.kind.clone(), body.parent.clone()))
        .ok_or_else(|| format!("{} {} is not registered", body.kind, body.parent))?;
    let (start, many) = (now(), group.jobs.len());
    let mut times = serde_json::Map::new();
    for place in 0..many {
        let at = start + body.seconds * (place as f64 * GOLDEN).fract();
        group.change(place, at, &body.state);
        times.insert(group.jobs[place].id.clone(), json!(at));
    }
    Ok(Value::Object(times))
}
