//! Digs the telling part out of a log: its tail, and the exception in it.

/// The most of a log or cause that goes into an error, in bytes.
pub const CAUSE_LIMIT: usize = 4096;

/// The last `max` bytes of `text`, begun at the start of a line where one is near.
pub fn tail(text: &str, max: usize) -> &str {
    let text = text.trim_end();
    if text.len() <= max {
        return text;
    }
    let mut start = text.len() - max;
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let cut = &text[start..];
    match cut.find('\n') {
        Some(end_of_line) if end_of_line < max / 2 => &cut[end_of_line + 1..],
        _ => cut,
    }
}

/// The first `max` bytes of `text`, with an ellipsis where something was cut.
pub fn head(text: &str, max: usize) -> String {
    let text = text.trim();
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// The line that says what went wrong: the last Python or JVM exception of a log, with the
/// deepest `Caused by` behind it.
pub fn exception(log: &str) -> Option<String> {
    let lines: Vec<&str> = log.lines().map(str::trim_end).collect();
    let at = lines.iter().rposition(|line| starts_exception(line))?;
    let (first, mut rest) = match python_error(&lines, at) {
        Some(found) => found,
        None => (strip_log_prefix(lines[at]).to_owned(), at + 1),
    };
    let mut message = first;
    // Py4J puts the JVM's exception on the line after `An error occurred while calling ...`.
    if let Some(next) = lines.get(rest).filter(|line| line.starts_with(": ")) {
        message.push_str(next);
        rest += 1;
    }
    let causes = lines[rest..].iter().take_while(|line| continues_trace(line));
    if let Some(cause) = causes.filter_map(|line| line.trim_start().strip_prefix("Caused by: ")).last()
        && !message.contains(cause)
    {
        message = format!("{message} (caused by {cause})");
    }
    Some(head(&message, 1024))
}

fn starts_exception(line: &str) -> bool {
    let line = strip_log_prefix(line);
    line.starts_with("Traceback (most recent call last)")
        || line.starts_with("Exception in thread ")
        || line.contains("GlueExceptionAnalysisListener: [Glue Exception Analysis]")
        || (error_name(line) && !line.starts_with("Caused by"))
}

/// The end of the Python traceback that starts at `at`: its message and the line after it.
fn python_error(lines: &[&str], at: usize) -> Option<(String, usize)> {
    if !strip_log_prefix(lines[at]).starts_with("Traceback") {
        return None;
    }
    let end = (at + 1..lines.len()).find(|&i| !lines[i].starts_with(' ') && !lines[i].is_empty())?;
    Some((lines[end].to_owned(), end + 1))
}

fn continues_trace(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty()
        || line.starts_with("at ")
        || line.starts_with("...")
        || line.starts_with("Caused by: ")
        || line.starts_with("Suppressed: ")
        || line.starts_with("Driver stacktrace")
        || line.starts_with('\t')
        || line.contains("Error")
        || line.contains("Exception")
}

/// Whether a line begins with a qualified exception name and a colon, as `ValueError: bad`.
fn error_name(line: &str) -> bool {
    let Some((name, _)) = line.split_once(':') else {
        return false;
    };
    let simple = name.rsplit(['.', '$']).next().unwrap_or(name);
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '$'))
        && simple.starts_with(|c: char| c.is_ascii_uppercase())
        && ["Error", "Exception", "Interrupt", "Failure"].iter().any(|end| simple.ends_with(end))
        && simple != "Error"
}

/// A line without log4j's date, level and logger before an exception.
fn strip_log_prefix(line: &str) -> &str {
    for level in [" ERROR ", " FATAL ", " WARN "] {
        if let Some((before, after)) = line.split_once(level)
            && before.len() < 32
            && before.contains(':')
        {
            return match after.split_once(": ") {
                Some((logger, rest)) if !logger.contains(' ') && error_name(rest) => rest,
                _ => after,
            };
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tail_starts_at_a_line_and_never_splits_a_character() {
        assert_eq!(tail("a\nbb\nccc\n", 100), "a\nbb\nccc");
        assert_eq!(tail("first line\nsecond\nthird", 14), "second\nthird");
        let text = "é".repeat(100);
        assert_eq!(tail(&text, 51).len(), 50);
        assert_eq!(head("abc", 3), "abc");
        assert_eq!(head("éé", 3), "é…");
    }

    #[test]
    fn python_exception_is_found_with_its_jvm_cause() {
        let log = "24/01/01 10:00:00 INFO SparkContext: Running\n\
            Traceback (most recent call last):\n  File \"a.py\", line 3, in <module>\n    df.show()\n\
            py4j.protocol.Py4JJavaError: An error occurred while calling o42.showString.\n\
            : org.apache.spark.SparkException: Job aborted due to stage failure\n\
            \tat org.apache.spark.Foo(Foo.scala:1)\n\
            Caused by: java.io.IOException: middle\n\tat x.y(Z.java:1)\n\
            Caused by: java.lang.OutOfMemoryError: Java heap space\n\t... 3 more\n\
            24/01/01 10:00:01 INFO ShutdownHookManager: Shutdown hook called\n";
        let found = exception(log).unwrap();
        assert!(found.starts_with("py4j.protocol.Py4JJavaError: An error occurred"), "{found}");
        assert!(found.contains("Job aborted due to stage failure"), "{found}");
        assert!(found.ends_with("(caused by java.lang.OutOfMemoryError: Java heap space)"), "{found}");
    }

    #[test]
    fn plain_exceptions_are_found_and_ordinary_logs_have_none() {
        let jvm = "Exception in thread \"main\" java.lang.IllegalArgumentException: no path\n\tat a.b(C.java:1)\n";
        assert!(exception(jvm).unwrap().contains("IllegalArgumentException: no path"));
        let log4j = "24/05/01 12:00:00 ERROR Client: Application failed\n\
            24/05/01 12:00:01 ERROR ApplicationMaster: org.apache.spark.SparkUserAppException: User application exited with 1\n";
        assert_eq!(exception(log4j).unwrap(), "org.apache.spark.SparkUserAppException: User application exited with 1");
        let py = "Traceback (most recent call last):\n  File \"x\", line 1\nValueError: bad value\n\nnext";
        assert_eq!(exception(py).unwrap(), "ValueError: bad value");
        assert_eq!(exception("all is well\nINFO: nothing\nError: 3 files"), None);
    }
}
