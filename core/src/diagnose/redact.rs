//! Keeps secrets out of what is quoted from logs and replies.

use std::sync::LazyLock;

use regex_lite::Regex;

static SECRETS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        // `password=x`, `"SecretAccessKey": "x"`, `--db-password x`, `spark.hadoop.fs.s3a.secret.key x`
        (
            r#"(?i)((?:[a-z0-9._-]*(?:password|passwd|secret|api[_-]?key|access[_-]?token|auth[_-]?token|session[_-]?token|private[_-]?key)[a-z0-9._-]*)["']?(?:\s*[:=]\s*|\s+(?:is\s+)?))(?:"[^"\s]{3,}"|'[^'\s]{3,}'|[^\s"',;&})]{3,})"#,
            "${1}***",
        ),
        (r"(?i)(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s]+", "${1}***"),
        (r"(?i)((?:authorization|bearer)[:\s]+)\S+(?:\s+Credential=\S+)?", "${1}***"),
        (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", "***"),
        // user:password@ of an address
        (r"(://[^/\s:@]+:)[^/\s@]+@", "${1}***@"),
    ]
    .into_iter()
    .map(|(pattern, by)| (Regex::new(pattern).expect("a constant pattern"), by))
    .collect()
});

/// `text` with what looks like a password, token or key replaced by asterisks.
pub fn redact(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, by) in SECRETS.iter() {
        if pattern.is_match(&text) {
            text = pattern.replace_all(&text, *by).into_owned();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        let cases = [
            ("db_password=hunter22 next", "db_password=*** next"),
            (r#"{"SecretAccessKey": "abcDEF/123", "x": 1}"#, r#"{"SecretAccessKey": ***, "x": 1}"#),
            ("--db-password tiger12 --table t", "--db-password *** --table t"),
            ("key AKIAABCDEFGHIJKLMNOP used", "key *** used"),
            ("jdbc:mysql://root:pw123@host/db", "jdbc:mysql://root:***@host/db"),
            ("https://b.s3/x?X-Amz-Signature=abc123&y=1", "https://b.s3/x?X-Amz-Signature=***&y=1"),
        ];
        for (text, expected) in cases {
            assert_eq!(redact(text), expected);
        }
        let plain = "ValueError: column 'movieId' not found in s3://bucket/raw/tags.csv";
        assert_eq!(redact(plain), plain);
    }
}
