"""The reading of IAM policies that stands in where the simulator may not be used."""

from __future__ import annotations

import pytest
from mwaalib.cli.check.policy import decide

RUN = "elasticmapreduce:RunJobFlow"
ROLE = "arn:aws:iam::1:role/EMR_DefaultRole"


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action, resource="*", **more):
    return {**allow(action, resource, **more), "Effect": "Deny"}


@pytest.mark.parametrize(
    ("documents", "decision"),
    [
        ([], "implicitDeny"),
        ([document(allow(RUN))], "allowed"),
        ([document(allow("ElasticMapReduce:runjobflow"))], "allowed"),
        ([document(allow(["s3:GetObject", "elasticmapreduce:Run*"]))], "allowed"),
        ([document(allow("elasticmapreduce:Describe*"))], "implicitDeny"),
        ([document(allow("*")), document(deny("elasticmapreduce:*"))], "explicitDeny"),
        ([{"Statement": allow("*")}], "allowed"),
        ([document({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})], "allowed"),
        ([document({"Effect": "Allow", "NotAction": "elasticmapreduce:*", "Resource": "*"})], "implicitDeny"),
        ([document(allow(RUN, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}))], "unknown"),
        ([document(allow(RUN), deny(RUN, Condition={"Bool": {"aws:SecureTransport": "false"}}))], "unknown"),
    ],
)
def test_actions(documents, decision):
    assert decide(documents, RUN, "*", {}) == decision


@pytest.mark.parametrize(
    ("resource", "decision"),
    [
        (ROLE, "allowed"),
        ("arn:aws:iam::1:role/EMR_*", "allowed"),
        (["arn:aws:iam::1:role/other", "*"], "allowed"),
        ("arn:aws:iam::2:role/*", "implicitDeny"),
    ],
)
def test_resources(resource, decision):
    assert decide([document(allow("iam:PassRole", resource))], "iam:PassRole", ROLE, {}) == decision


def test_not_resource():
    statement = {"Effect": "Allow", "Action": "iam:PassRole", "NotResource": "arn:aws:iam::1:role/EMR*"}
    assert decide([document(statement)], "iam:PassRole", ROLE, {}) == "implicitDeny"
    assert decide([document(statement)], "iam:PassRole", "arn:aws:iam::1:role/x", {}) == "allowed"


@pytest.mark.parametrize(
    ("condition", "decision"),
    [
        ({"StringEquals": {"iam:PassedToService": "elasticmapreduce.amazonaws.com"}}, "allowed"),
        ({"StringEquals": {"IAM:passedtoservice": "elasticmapreduce.amazonaws.com"}}, "allowed"),
        ({"StringLike": {"iam:PassedToService": ["ec2.*", "elasticmapreduce.amazonaws.com*"]}}, "allowed"),
        ({"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}}, "implicitDeny"),
        ({"StringNotEquals": {"iam:PassedToService": "glue.amazonaws.com"}}, "allowed"),
        ({"StringEqualsIfExists": {"aws:Unknown": "x"}}, "allowed"),
        ({"StringEquals": {"aws:Unknown": "x"}}, "unknown"),
    ],
)
def test_conditions(condition, decision):
    documents = [document(allow("iam:PassRole", ROLE, Condition=condition))]
    known = {"iam:PassedToService": "elasticmapreduce.amazonaws.com"}
    assert decide(documents, "iam:PassRole", ROLE, known) == decision
