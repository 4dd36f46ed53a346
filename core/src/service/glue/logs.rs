//! Follows the CloudWatch logs of a Glue job run while it runs.

use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;

use crate::error::{Class, Error, Result};
use crate::job::Aws;
use crate::wait::{Event, EventSink};

pub(crate) const DEFAULT_GROUP: &str = "/aws-glue/jobs";
pub(crate) const PYTHON_SHELL_GROUP: &str = "/aws-glue/python-jobs";
/// Pages of up to 10,000 events that one look takes; the rest comes with the next look.
const MAX_PAGES: usize = 5;

const INTERVAL: Duration = Duration::from_secs(10);
/// CloudWatch shows the last lines a little after the run has ended.
const LAST_LOOK: Duration = Duration::from_secs(3);

/// Follows the log of a job's run into a wait's sink until `ended` turns true and the rest has been
/// read. A stream that may not be read is told as a notice.
pub(super) async fn follow<A: Aws>(aws: A, job: &str, run: &str, sink: EventSink, mut ended: watch::Receiver<bool>) {
    let described = aws.call("glue", "GetJobRun", &json!({"JobName": job, "RunId": run})).await.unwrap_or_default();
    let mut tail = LogTail::new(run, described["JobRun"]["LogGroupName"].as_str());
    loop {
        let last = *ended.borrow();
        match tail.read(&aws).await {
            Ok(lines) => {
                for LogLine { stream, message } in lines {
                    sink(Event::Log { id: run.to_owned(), stream, message });
                }
            }
            Err(error) => sink(Event::Notice { message: format!("the log of {run} cannot be followed: {error}") }),
        }
        if last {
            break;
        }
        // A sender that is gone has nothing more to say: the wait was dropped.
        let told = tokio::time::timeout(INTERVAL, async { ended.wait_for(|ended| *ended).await.map(drop) }).await;
        match told {
            Ok(Ok(())) => tokio::time::sleep(LAST_LOOK).await,
            Ok(Err(_)) => break,
            Err(_) => {}
        }
    }
}

/// One line of a run's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogLine {
    /// The log group, such as `/aws-glue/jobs/output`.
    pub stream: String,
    pub message: String,
}

/// The place in a run's two streams up to which it has been read.
#[derive(Clone, Debug)]
pub(super) struct LogTail {
    run: String,
    places: Vec<Place>,
    /// A refusal that nobody has been told of yet.
    refused: Option<Error>,
}

#[derive(Clone, Debug)]
struct Place {
    group: String,
    token: Option<String>,
    closed: bool,
}

impl LogTail {
    /// Follows run `run`; `group` is the run's LogGroupName.
    pub fn new(run: &str, group: Option<&str>) -> Self {
        let group = group.filter(|group| !group.is_empty()).unwrap_or(DEFAULT_GROUP);
        let place = |part: &str| Place { group: format!("{group}/{part}"), token: None, closed: false };
        Self { run: run.to_owned(), places: vec![place("output"), place("error")], refused: None }
    }

    /// What was written since the last look, oldest first in each stream.
    ///
    /// A group or stream that does not exist yet is normal; so are throttling and lost replies,
    /// which the next look makes good.
    ///
    /// # Errors
    /// When AWS refuses to show a stream (logs:GetLogEvents); it is told once and not asked again.
    pub(crate) async fn read<A: Aws>(&mut self, aws: &A) -> Result<Vec<LogLine>> {
        let mut lines = Vec::new();
        for place in &mut self.places {
            match place.read(aws, &self.run, &mut lines).await {
                Err(Error::Aws(error))
                    if matches!(
                        error.class,
                        Class::NotFound | Class::Transient | Class::Throttled | Class::Expired
                    ) => {}
                Err(error) => {
                    place.closed = true;
                    self.refused = Some(error);
                }
                Ok(()) => {}
            }
        }
        match self.refused.take_if(|_| lines.is_empty()) {
            Some(error) => Err(error),
            None => Ok(lines),
        }
    }
}

impl Place {
    async fn read<A: Aws>(&mut self, aws: &A, run: &str, lines: &mut Vec<LogLine>) -> Result<()> {
        for _ in 0..MAX_PAGES {
            if self.closed {
                break;
            }
            let mut body = json!({"logGroupName": self.group, "logStreamName": run, "startFromHead": true});
            if let Some(token) = &self.token {
                body["nextToken"] = json!(token);
            }
            let reply = aws.call("logs", "GetLogEvents", &body).await?;
            let events = reply["events"].as_array().map_or(&[][..], Vec::as_slice);
            lines.extend(events.iter().map(|event| LogLine {
                stream: self.group.clone(),
                message: event["message"].as_str().unwrap_or_default().trim_end().to_owned(),
            }));
            let next = reply["nextForwardToken"].as_str().map(str::to_owned);
            // The same token again means that the end is reached.
            let ended = next.is_none() || next == self.token || events.is_empty();
            if next.is_some() {
                self.token = next;
            }
            if ended {
                break;
            }
        }
        Ok(())
    }
}
