//! Observes Glue job runs and crawlers.

use aws_sdk_glue::types::{Crawler, JobRun, JobRunState};

use super::{logs, states};
use crate::error::{Error, Result};
use crate::service::watch::{Capture, Probe, owned, seconds, state};
use crate::session::Session;
use crate::wait::remote::{Ask, Page, Seen};

pub(crate) static JOB_RUN: Probe = Probe {
    kind: &states::JOB_RUN,
    one: |session, job, id| Box::pin(get_job_run(session, job, id)),
    page: |session, job, ask| Box::pin(get_job_runs(session, job, ask)),
    whole: None,
    follow: Some(|aws, job, id, sink, ended| Box::pin(logs::follow(aws, job, id, sink, ended))),
};

pub(crate) static CRAWLER: Probe = Probe {
    kind: &states::CRAWLER,
    one: |session, _, name| Box::pin(get_crawler(session, name)),
    page: |session, _, ask| Box::pin(batch_get_crawlers(session, ask)),
    whole: None,
    follow: None,
};

async fn get_job_run(session: &Session, job: Option<&str>, id: &str) -> Result<Seen> {
    let reply = Capture::default();
    let call = session.glue().get_job_run().set_job_name(job.map(str::to_owned)).run_id(id);
    let sent = Box::pin(call.customize().interceptor(reply.clone()).send()).await;
    let output = sent.map_err(|e| Error::from_sdk("glue", "GetJobRun", e))?;
    let name = output.job_run().and_then(JobRun::job_run_state).map(JobRunState::as_str);
    Ok(Seen::new(states::JOB_RUN.states.intern(state(&states::JOB_RUN, id, name)?)).with_detail(reply.json()))
}

async fn get_job_runs(session: &Session, job: Option<&str>, ask: &Ask) -> Result<Page> {
    let reply = Capture::default();
    let call = session
        .glue()
        .get_job_runs()
        .set_job_name(job.map(str::to_owned))
        .max_results(200)
        .set_next_token(ask.token.clone());
    let sent = Box::pin(call.customize().interceptor(reply.clone()).send()).await;
    let output = sent.map_err(|e| Error::from_sdk("glue", "GetJobRuns", e))?;
    let entries = output.job_runs().iter().filter_map(|run| Some((run.id()?, run.job_run_state())));
    let items = entries.map(|(id, run)| {
        let name = state(&states::JOB_RUN, id, run.map(JobRunState::as_str))?;
        Ok((id.to_owned(), Seen::new(states::JOB_RUN.states.intern(name))))
    });
    let items = items.collect::<Result<_>>()?;
    Ok(Page { items, next: output.next_token, missing: Vec::new(), raw: reply.take() })
}

async fn get_crawler(session: &Session, name: &str) -> Result<Seen> {
    let reply = Capture::default();
    let call = session.glue().get_crawler().name(name).customize().interceptor(reply.clone());
    let output = Box::pin(call.send()).await.map_err(|e| Error::from_sdk("glue", "GetCrawler", e))?;
    Ok(crawler(name, output.crawler())?.with_detail(reply.json()))
}

async fn batch_get_crawlers(session: &Session, ask: &Ask) -> Result<Page> {
    let reply = Capture::default();
    let call = session.glue().batch_get_crawlers().set_crawler_names(Some(owned(&ask.ids)));
    let sent = Box::pin(call.customize().interceptor(reply.clone()).send()).await;
    let output = sent.map_err(|e| Error::from_sdk("glue", "BatchGetCrawlers", e))?;
    let entries = output.crawlers().iter().filter_map(|entry| Some((entry.name()?, entry)));
    let items = entries.map(|(name, entry)| Ok((name.to_owned(), crawler(name, Some(entry))?)));
    let items = items.collect::<Result<_>>()?;
    Ok(Page { items, next: None, missing: output.crawlers_not_found.unwrap_or_default(), raw: reply.take() })
}

/// At rest, a crawler's last crawl is the outcome; before its first there is none.
fn crawler(name: &str, crawler: Option<&Crawler>) -> Result<Seen> {
    let own = crawler.and_then(Crawler::state).map(|state| state.as_str());
    let own = states::CRAWLER.states.intern(state(&states::CRAWLER, name, own)?);
    let last = crawler.and_then(Crawler::last_crawl).filter(|_| own == "READY");
    Ok(match last.and_then(|last| Some((last, last.status()?))) {
        Some((last, status)) => Seen::again(own, status.as_str(), seconds(last.start_time())),
        None => Seen::new(own),
    })
}
