//! A small AWS over real sockets: many jobs, and all that can go wrong between.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Jobs 0 to `jobs` of one kind; job `n` belongs to parent `n % parents`.
pub struct Family {
    pub kind: &'static str,
    pub jobs: u64,
    pub parents: u64,
}

pub const EXECUTIONS: Family = Family { kind: "sfn_execution", jobs: 3000, parents: 10 };
pub const RUNS: Family = Family { kind: "glue_job_run", jobs: 3000, parents: 10 };
pub const STEPS: Family = Family { kind: "emr_step", jobs: 2000, parents: 10 };
pub const CRAWLERS: Family = Family { kind: "glue_crawler", jobs: 800, parents: 1 };
pub const CLUSTERS: Family = Family { kind: "emr_job_flow", jobs: 200, parents: 1 };
pub const INVOCATIONS: Family = Family { kind: "ssm_command", jobs: 980, parents: 20 };

impl Family {
    /// The jobs of one parent, newest first.
    fn of(&self, parent: u64) -> impl Iterator<Item = u64> {
        let parents = self.parents;
        (0..self.jobs).rev().filter(move |n| n % parents == parent)
    }
}

/// The same pseudo-random numbers for server and test.
pub fn hash(n: u64) -> u64 {
    let mut x = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x2545_F491_4F6C_DD1D;
    x ^= x >> 31;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^ (x >> 29)
}

pub fn fails(n: u64) -> bool {
    hash(n) % 10 < 3
}

/// When job `n` ends.
fn end(n: u64) -> Duration {
    Duration::from_millis(2000 + hash(n + 77) % 10_000)
}

pub fn arn(n: u64) -> String {
    format!("arn:aws:states:us-east-1:123456789012:execution:m{}:e{n}", n % 10)
}

struct Faults {
    throttled: u64,
    server_error: u64,
    reset: u64,
    hang: u64,
}

/// In a thousand.
const FAULTS: Faults = Faults { throttled: 300, server_error: 100, reset: 50, hang: 5 };

pub struct Server {
    began: Instant,
    requests: AtomicU64,
    calls: Mutex<BTreeMap<String, u64>>,
}

impl Server {
    pub async fn start() -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Arc::new(Self { began: Instant::now(), requests: AtomicU64::new(0), calls: Mutex::default() });
        let accepting = Arc::clone(&server);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(Arc::clone(&accepting).serve(stream));
            }
        });
        (server, url)
    }

    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.calls.lock().unwrap().clone()
    }

    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let mut buffer = Vec::new();
        while let Some((target, body)) = read(&mut stream, &mut buffer).await {
            *self.calls.lock().unwrap().entry(target.clone()).or_default() += 1;
            let fault = hash(self.requests.fetch_add(1, Relaxed) + 0xABCD) % 1000;
            let Faults { throttled, server_error, reset, hang } = FAULTS;
            let (status, reply) = if fault < throttled {
                (400, json!({"__type": "ThrottlingException", "message": "Rate exceeded"}))
            } else if fault < throttled + server_error {
                (500, json!({"__type": "InternalServerError", "message": "storm"}))
            } else if fault < throttled + server_error + reset {
                // With this, closing sends a reset.
                let _ = stream.set_zero_linger();
                return;
            } else if fault < throttled + server_error + reset + hang {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                return;
            } else {
                match self.answer(&target, &body) {
                    Some(reply) => (200, reply),
                    None => {
                        (400, json!({"__type": "ValidationException", "message": format!("{target} is not offered")}))
                    }
                }
            };
            let reply = reply.to_string();
            let head = format!(
                "HTTP/1.1 {status} x\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n",
                reply.len()
            );
            if stream.write_all((head + &reply).as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn over(&self, n: u64) -> bool {
        self.began.elapsed() >= end(n)
    }

    fn state(&self, n: u64, running: &'static str, good: &'static str, bad: &'static str) -> &'static str {
        match (self.over(n), fails(n)) {
            (false, _) => running,
            (true, true) => bad,
            (true, false) => good,
        }
    }

    fn answer(&self, target: &str, body: &Value) -> Option<Value> {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let number = |id: &str| id.rsplit(['e', 'r', 's', 'c', '-']).next().unwrap().parse::<u64>().unwrap();
        let operation = target.split('.').next_back()?;
        Some(match operation {
            "DescribeExecution" => self.execution(number(&text("executionArn"))),
            "ListExecutions" => {
                let machine = number(&text("stateMachineArn").replace(":m", ":e"));
                let all = EXECUTIONS.of(machine).filter(|n| !self.over(*n));
                json!({"executions": all.map(|n| self.execution(n)).collect::<Vec<_>>()})
            }
            "GetJobRun" => json!({"JobRun": self.run(number(&text("RunId")))}),
            "GetJobRuns" => {
                let job = number(&text("JobName"));
                page("JobRuns", "NextToken", &text("NextToken"), 200, RUNS.of(job).map(|n| self.run(n)).collect())
            }
            "DescribeStep" => json!({"Step": self.step(number(&text("StepId")))}),
            "ListSteps" => {
                let cluster = number(&text("ClusterId"));
                match body["StepIds"].as_array() {
                    Some(ids) => {
                        let steps = ids.iter().map(|id| self.step(number(id.as_str().unwrap())));
                        json!({"Steps": steps.collect::<Vec<_>>()})
                    }
                    None => {
                        page("Steps", "Marker", &text("Marker"), 50, STEPS.of(cluster).map(|n| self.step(n)).collect())
                    }
                }
            }
            "DescribeCluster" => json!({"Cluster": self.cluster(number(&text("ClusterId")))}),
            "ListClusters" => {
                // Those that have ended are not among the states asked for.
                let after = body["CreatedAfter"].as_f64().unwrap_or(0.0);
                let all = CLUSTERS.of(0).filter(|n| created(*n) > after && !self.over(*n));
                page("Clusters", "Marker", &text("Marker"), 50, all.map(|n| self.cluster(n)).collect())
            }
            "GetCommandInvocation" => self.invocation(number(&text("InstanceId"))),
            "ListCommandInvocations" => {
                let all = INVOCATIONS.of(number(&text("CommandId"))).map(|n| self.invocation(n)).collect();
                page("CommandInvocations", "NextToken", &text("NextToken"), 20, all)
            }
            "ListCommands" => {
                let over = INVOCATIONS.of(number(&text("CommandId"))).all(|n| self.over(n));
                json!({"Commands": [{"Status": if over { "Failed" } else { "InProgress" }, "TargetCount": 49}]})
            }
            "GetCrawler" => json!({"Crawler": self.crawler(number(&text("Name")))}),
            "BatchGetCrawlers" => {
                let names = body["CrawlerNames"].as_array()?;
                let crawlers: Vec<Value> =
                    names.iter().map(|name| self.crawler(number(name.as_str().unwrap()))).collect();
                json!({"Crawlers": crawlers, "CrawlersNotFound": []})
            }
            _ => return None,
        })
    }

    fn execution(&self, n: u64) -> Value {
        json!({
            "executionArn": arn(n),
            "stateMachineArn": format!("arn:aws:states:us-east-1:123456789012:stateMachine:m{}", n % 10),
            "name": format!("e{n}"),
            "status": self.state(n, "RUNNING", "SUCCEEDED", "TIMED_OUT"),
            "startDate": 1.7e9,
        })
    }

    fn run(&self, n: u64) -> Value {
        json!({"Id": format!("jr-{n}"), "JobName": format!("j-{}", n % 10), "JobRunState": self.state(n, "RUNNING", "SUCCEEDED", "EXPIRED")})
    }

    fn step(&self, n: u64) -> Value {
        json!({"Id": format!("s-{n}"), "Status": {"State": self.state(n, "RUNNING", "COMPLETED", "FAILED")}})
    }

    fn cluster(&self, n: u64) -> Value {
        let state = self.state(n, "RUNNING", "TERMINATED", "TERMINATED_WITH_ERRORS");
        let timeline = json!({"CreationDateTime": created(n)});
        json!({"Id": format!("j-{n}"), "Name": "storm", "Status": {"State": state, "Timeline": timeline}})
    }

    fn invocation(&self, n: u64) -> Value {
        let command = format!("cmd-{}", n % INVOCATIONS.parents);
        let state = self.state(n, "InProgress", "Success", "TimedOut");
        json!({"CommandId": command, "InstanceId": format!("i-{n}"), "Status": state})
    }

    fn crawler(&self, n: u64) -> Value {
        let outcome = if fails(n) { "FAILED" } else { "SUCCEEDED" };
        if self.over(n) {
            json!({"Name": format!("c-{n}"), "State": "READY", "LastCrawl": {"Status": outcome, "StartTime": 1.7e9}})
        } else {
            json!({"Name": format!("c-{n}"), "State": "RUNNING", "LastCrawl": {"Status": "FAILED", "StartTime": 1.6e9}})
        }
    }
}

fn created(n: u64) -> f64 {
    1.7e9 + n as f64
}

/// One page of a list, from where the last one's token says.
fn page(list: &str, token: &str, from: &str, size: usize, all: Vec<Value>) -> Value {
    let from = from.parse::<usize>().unwrap_or(0);
    let mut reply = json!({list: all.iter().skip(from).take(size).collect::<Vec<_>>()});
    if from + size < all.len() {
        reply[token] = json!((from + size).to_string());
    }
    reply
}

/// The next request's X-Amz-Target and body.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(String, Value)> {
    loop {
        if let Some(end) = buffer.windows(4).position(|part| part == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let header = |name: &str| {
                let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name))?;
                Some(line.split_once(':')?.1.trim().to_owned())
            };
            let length: usize = header("content-length:").map_or(0, |text| text.parse().unwrap());
            if buffer.len() >= end + 4 + length {
                let body = serde_json::from_slice(&buffer[end + 4..end + 4 + length]).unwrap_or(Value::Null);
                buffer.drain(..end + 4 + length);
                return Some((header("x-amz-target:").unwrap_or_default(), body));
            }
        }
        stream.read_buf(buffer).await.ok().filter(|count| *count > 0)?;
    }
}
