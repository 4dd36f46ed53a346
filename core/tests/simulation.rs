//! Thousands of waits against a scripted AWS, with the clock stopped, over many seeds.
//!
//! `MWAALIB_SIM_SEEDS` sets how many seeds are played, `MWAALIB_SIM_FIRST` the first.

mod sim;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mwaalib_core::wait::{Engine, Options, random};
use sim::aws::{Simulated, World};
use sim::plot::{self, Act};
use tokio::time::{Instant, sleep_until};

/// In seconds; much longer than anything that is waited for.
const LOST: f64 = 100_000.0;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect(name))
}

#[test]
fn every_wait_gets_its_right_outcome() {
    let first = number("MWAALIB_SIM_FIRST", 0);
    let seeds = number("MWAALIB_SIM_SEEDS", 50);
    let mut total = Tally::default();
    for seed in first..first + seeds {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let began = std::time::Instant::now();
        let tally = runtime.block_on(play(seed));
        if std::env::var_os("MWAALIB_SIM_VERBOSE").is_some() {
            println!("seed {seed}: {:?} {tally:?}", began.elapsed());
        }
        total.add(tally);
    }
    println!("{seeds} seeds: {total:?}");
    assert!(total.waits > seeds * 10, "the plots hold too few waits to prove anything: {total:?}");
}

#[derive(Debug, Default)]
struct Tally {
    waits: u64,
    calls: u64,
    throttles: u64,
    fallbacks: u64,
    refreshes: u64,
    worst_delay: f64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.waits += other.waits;
        self.calls += other.calls;
        self.throttles += other.throttles;
        self.fallbacks += other.fallbacks;
        self.refreshes += other.refreshes;
        self.worst_delay = self.worst_delay.max(other.worst_delay);
    }
}

async fn play(seed: u64) -> Tally {
    random::seed(seed);
    let plot = plot::write(seed);
    let world = Arc::new(World::new(plot.jobs, plot.faults.clone(), seed));
    let engine = Arc::new(Engine::new(Options::default()));
    let mut running = Vec::new();
    let ids: usize = plot.acts.iter().map(|act| act.spec.ids.len().max(1)).sum();
    for act in plot.acts {
        running.push(tokio::spawn(perform(act, Arc::clone(&world), Arc::clone(&engine))));
    }
    let waits = running.len() as u64;
    let ids = ids as u64;
    let mut delays: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for act in running {
        let (act, verdict, delay) = act.await.unwrap();
        assert!(verdict.is_ok(), "seed {seed}, {:?}: {act:?} ended as {}", plot.faults, verdict.unwrap_err());
        delays.entry(act.spec.kind.clone()).or_default().push(delay);
    }
    if plot.faults.share.is_none() {
        for (budget, over) in world.overdrawn() {
            assert!(over < 0.01, "seed {seed}: budget {budget} exceeded by {over} calls");
        }
    }
    let mut worst_delay: f64 = 0.0;
    for (kind, delays) in &delays {
        let worst = delays.iter().copied().fold(0.0, f64::max);
        let mean = delays.iter().sum::<f64>() / delays.len() as f64;
        assert!(worst < 300.0 + 8.0 * mean, "seed {seed}: a {kind} wait starved, {worst} s late, {mean} s on average");
        worst_delay = worst_delay.max(worst);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let metrics = engine.metrics();
    assert_eq!((metrics.waits_active, metrics.pollers, metrics.stretched), (0, 0, 0), "seed {seed}: something is left");
    assert_eq!(metrics.waits_started, waits);
    // Each call that AWS saw is counted, but for those cut off since nobody waited for them any more:
    // on their way, or while they hung.
    let (seen, (cut, hung)) = (world.calls().values().sum::<u64>(), world.unanswered());
    let counted = metrics.calls;
    assert!(
        counted + cut <= seen && seen <= counted + cut + hung,
        "seed {seed}: {counted} calls counted, {seen} seen, of which {cut} cut off and {hung} hung"
    );
    assert!(cut <= ids, "seed {seed}: {cut} calls cut off, though only {ids} jobs were waited for");
    Tally {
        waits,
        calls: metrics.calls,
        throttles: metrics.throttles,
        fallbacks: metrics.fallbacks,
        refreshes: metrics.refreshes,
        worst_delay,
    }
}

/// Plays one wait: how it ended, and how long after it could have ended.
async fn perform(mut act: Act, world: Arc<World>, engine: Arc<Engine>) -> (Act, Result<(), String>, f64) {
    sleep_until(world.begun + Duration::from_secs_f64(act.at)).await;
    if let Some(deadline) = act.deadline {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
        act.spec.deadline = Some(now + deadline);
    }
    let wait =
        engine.wait(Arc::new(Simulated { world: Arc::clone(&world), session: act.session }), act.spec.clone(), None);
    // A wait that is lost must not stop the test.
    let patience = act.dropped.unwrap_or(LOST);
    let result = tokio::time::timeout(Duration::from_secs_f64(patience), wait).await.ok();
    let met = act.expect.met(result.as_ref());
    let verdict = if met { Ok(()) } else { Err(format!("{result:?} at {}", world.now())) };
    let delay = (Instant::now() - world.begun).as_secs_f64() - act.over.max(act.at);
    (act, verdict, delay.max(0.0))
}
