//! mwaa-crawl-movielens: first call starts the crawlers, later ones tell how far they are.

use serde_json::{Value, json};

use crate::glue::Glue;
use crate::{Failure, serve, variable};

/// Adds or renews `crawl` in the execution's state: its `outcome` (RUNNING, SUCCEEDED, FAILED), and for
/// each crawler its name and the start of its last crawl before this one, which tells the two apart.
///
/// # Errors
/// `CrawlerRunningException` while a crawl of somebody else's runs, else AWS's own code.
pub async fn crawl(glue: &impl Glue, crawlers: &str, mut event: Value) -> Result<Value, Failure> {
    if !event.is_object() {
        return Err(Failure::input("the event is no JSON object"));
    }
    let state = match event["crawl"]["crawlers"].as_array() {
        None => start(glue, crawlers).await?,
        Some(started) => progress(glue, started).await?,
    };
    event["crawl"] = state;
    Ok(event)
}

async fn start(glue: &impl Glue, crawlers: &str) -> Result<Value, Failure> {
    let mut started = Vec::new();
    for name in crawlers.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let crawler = describe(glue, name).await?;
        // A crawl under way may have read the tables' files before the job replaced them.
        if crawler["State"] != "READY" {
            return Err(Failure::new("CrawlerRunningException", format!("crawler {name} is {}", crawler["State"])));
        }
        started.push(json!({"name": name, "before": crawler["LastCrawl"]["StartTime"]}));
    }
    if started.is_empty() {
        return Err(Failure::new("MissingVariable", "no crawler is named"));
    }
    for crawler in &started {
        glue.call("StartCrawler", json!({"Name": crawler["name"]})).await?;
        println!("crawler {} started", crawler["name"]);
    }
    Ok(json!({"outcome": "RUNNING", "crawlers": started}))
}

async fn progress(glue: &impl Glue, started: &[Value]) -> Result<Value, Failure> {
    let mut outcome = "SUCCEEDED";
    let mut crawlers = Vec::new();
    for entry in started {
        let name = entry["name"].as_str().ok_or_else(|| Failure::input("the event names no crawler"))?;
        let crawler = describe(glue, name).await?;
        let last = &crawler["LastCrawl"];
        let mut entry = entry.clone();
        if crawler["State"] != "READY" || same_time(&last["StartTime"], &entry["before"]) {
            if outcome == "SUCCEEDED" {
                outcome = "RUNNING";
            }
        } else if last["Status"] != "SUCCEEDED" {
            outcome = "FAILED";
            entry["status"] = last["Status"].clone();
            entry["message"] = last["ErrorMessage"].clone();
        }
        println!("crawler {name} is {}, its last crawl {}", crawler["State"], last["Status"]);
        crawlers.push(entry);
    }
    Ok(json!({"outcome": outcome, "crawlers": crawlers}))
}

/// On its way through the state machine 10.0 may become 10, which is another JSON number but the same time.
fn same_time(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => (one - other).abs() < 0.0005,
        _ => one == other,
    }
}

async fn describe(glue: &impl Glue, name: &str) -> Result<Value, Failure> {
    Ok(glue.call("GetCrawler", json!({"Name": name})).await?["Crawler"].take())
}

/// Serves the function.
///
/// # Errors
/// As of `serve`.
pub fn main() -> Result<(), lambda_runtime::Error> {
    serve(|glue, event| Box::pin(async move { crawl(&glue, &variable("GLUE_CRAWLERS")?, event).await }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glue::fake::Scripted;

    fn crawler(state: &str, started: Option<f64>, status: &str) -> Result<Value, Failure> {
        let mut crawler = json!({"State": state});
        if let Some(started) = started {
            crawler["LastCrawl"] = json!({"StartTime": started, "Status": status, "ErrorMessage": "denied"});
        }
        Ok(json!({"Crawler": crawler}))
    }

    fn under_way() -> Value {
        json!({"wait_seconds": 2, "crawl": {"outcome": "RUNNING", "crawlers": [
            {"name": "a", "before": 10.5}, {"name": "b", "before": null}]}})
    }

    async fn outcome(a: Result<Value, Failure>, b: Result<Value, Failure>) -> Value {
        let event = crawl(&Scripted::new([a, b]), "a,b", under_way()).await.unwrap();
        assert_eq!(event["wait_seconds"], 2);
        event["crawl"].clone()
    }

    #[tokio::test]
    async fn the_first_call_starts_all_crawlers() {
        let glue = Scripted::new([
            crawler("READY", Some(10.5), "SUCCEEDED"),
            crawler("READY", None, ""),
            Ok(json!({})),
            Ok(json!({})),
        ]);
        let event = crawl(&glue, "a, b", json!({"wait_seconds": 2})).await.unwrap();
        assert_eq!(event, under_way());
        let asked: Vec<_> = glue.asked.borrow().iter().map(|(operation, _)| operation.clone()).collect();
        assert_eq!(asked, ["GetCrawler", "GetCrawler", "StartCrawler", "StartCrawler"]);
    }

    #[tokio::test]
    async fn a_running_crawler_is_waited_for_and_none_started() {
        let glue = Scripted::new([crawler("READY", None, ""), crawler("STOPPING", None, "")]);
        let failure = crawl(&glue, "a,b", json!({})).await.unwrap_err();
        assert_eq!(failure.error, "CrawlerRunningException");
        assert_eq!(glue.asked.borrow().len(), 2);
    }

    #[tokio::test]
    async fn done_when_every_crawl_of_ours_is() {
        let done = |started| crawler("READY", Some(started), "SUCCEEDED");
        assert_eq!(outcome(done(11.0), done(11.0)).await["outcome"], "SUCCEEDED");
        assert_eq!(outcome(done(10.5), done(11.0)).await["outcome"], "RUNNING");
        assert_eq!(outcome(done(11.0), crawler("RUNNING", None, "")).await["outcome"], "RUNNING");
        assert_eq!(outcome(done(11.0), crawler("READY", None, "")).await["outcome"], "RUNNING");
    }

    #[tokio::test]
    async fn a_time_is_the_same_however_it_is_written() {
        let glue = Scripted::new([crawler("READY", Some(10.0), "SUCCEEDED")]);
        let event = json!({"crawl": {"crawlers": [{"name": "a", "before": 10}]}});
        assert_eq!(crawl(&glue, "a", event).await.unwrap()["crawl"]["outcome"], "RUNNING");
    }

    #[tokio::test]
    async fn a_failed_crawl_is_named_even_while_another_runs() {
        let state = outcome(crawler("READY", Some(11.0), "FAILED"), crawler("RUNNING", None, "")).await;
        assert_eq!(state["outcome"], "FAILED");
        assert_eq!(state["crawlers"][0]["status"], "FAILED");
        assert_eq!(state["crawlers"][0]["message"], "denied");
    }

    #[tokio::test]
    async fn bad_events_and_settings_are_refused() {
        assert_eq!(crawl(&Scripted::default(), "a", json!([])).await.unwrap_err().error, "InvalidInput");
        assert_eq!(crawl(&Scripted::default(), " ,", json!({})).await.unwrap_err().error, "MissingVariable");
    }
}
